//! `sekisho completions` and `sekisho man`: what shells and `man` read, made from the commands themselves.

use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, CommandFactory, ValueEnum};
use clap_complete::Shell;
use clap_mangen::Man;

use super::{Cli, Exit, Terminal};

/// Prints the completions of a shell: `sekisho completions bash > /etc/bash_completion.d/sekisho`.
#[derive(Debug, Args)]
pub(super) struct Completions {
    /// Which shell.
    #[arg(value_enum)]
    shell: Shell,
}

/// Writes the manual, a page for each command.
#[derive(Debug, Args)]
pub(super) struct Manual {
    /// Where to; pages that are there are replaced.
    dir: PathBuf,
}

impl Completions {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let mut text = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "sekisho", &mut text);
        match terminal.out.write_all(&text) {
            Ok(()) => Exit::Fine,
            Err(error) => {
                let shell = self.shell.to_possible_value().map(|shell| shell.get_name().to_owned()).unwrap_or_default();
                terminal.fail(Exit::Environment, format_args!("cannot print the completions of {shell}: {error}"))
            }
        }
    }
}

impl Manual {
    pub(super) fn run(&self, terminal: &mut Terminal<'_>) -> Exit {
        let mut command = Cli::command().disable_help_subcommand(true);
        command.build();
        match pages(&command, &self.dir) {
            Ok(pages) => {
                terminal.say(format_args!("{pages} pages in {}", self.dir.display()));
                Exit::Fine
            }
            Err(error) => {
                terminal.fail(Exit::Environment, format_args!("cannot write to `{}`: {error}", self.dir.display()))
            }
        }
    }
}

/// The page of `command` and those of what is below it. How many there were.
fn pages(command: &clap::Command, dir: &Path) -> io::Result<usize> {
    let mut text = Vec::new();
    let page = Man::new(command.clone());
    page.render(&mut text)?;
    std::fs::write(dir.join(page.get_filename()), text)?;
    let below = command.get_subcommands().filter(|command| command.get_name() != "help");
    below.map(|command| pages(command, dir)).try_fold(1_usize, |sum, pages| Ok(sum.saturating_add(pages?)))
}
