//! Arguments in, exit code out.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use sekisho::cli::Cli;

fn main() -> ExitCode {
    let cli = Cli::parse();
    ExitCode::from(cli.run(&mut std::io::stdout().lock(), &mut std::io::stderr()).code())
}
