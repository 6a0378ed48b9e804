//! Arguments in, exit code out.
#![forbid(unsafe_code)]

use std::process::ExitCode;

use clap::Parser;
use sekisho::cli::Cli;

/// Most memory here lives for one request.
#[cfg(feature = "mimalloc")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    ExitCode::from(cli.run(&mut std::io::stdout().lock(), &mut std::io::stderr()).code())
}
