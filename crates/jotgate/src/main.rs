//! Jotgate: the command line and the wiring.
//!
//! `serve` is the start-up story; `demo` is the same story with sample data.

mod certificates;
mod cli;
mod cluster_key;
mod commands;
mod data_directory;
mod demo;
mod exit;
mod serve;
mod settings;
mod signals;

use std::process::ExitCode;

use cli::Command;
use settings::{Mode, Settings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let settings = |mode, flags| Settings::load(mode, flags, std::env::vars_os());
    let result = match &cli.command {
        Command::Serve(arguments) => match settings(Mode::Serve, &arguments.settings) {
            Ok(settings) if arguments.check => serve::check(&settings),
            Ok(settings) => serve::serve(&settings),
            Err(error) => Err(error.into()),
        },
        Command::Demo(arguments) => match settings(Mode::Demo, &arguments.settings) {
            Ok(settings) => demo::demo(&settings),
            Err(error) => Err(error.into()),
        },
        Command::Keygen(arguments) => {
            commands::keygen::run(arguments, commands::now()).and_then(|answer| answer.give())
        }
        Command::Token(command) => {
            commands::token::run(command, commands::now()).and_then(|answer| answer.give())
        }
    };
    result.unwrap_or_else(|failure| failure.report())
}
