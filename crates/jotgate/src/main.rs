//! Jotgate: the command line and the wiring.
//!
//! `serve` is the start-up story; `demo` is the same story with sample data.

mod audit_trail;
mod backup;
mod certificates;
mod cli;
mod client;
mod cluster_key;
mod commands;
mod data_directory;
mod demo;
mod exit;
mod fleet;
mod handover;
mod serve;
mod settings;
mod shell;
mod signals;

use std::process::ExitCode;

use cli::Command;
use settings::{Mode, Settings};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    // A panic of this thread is our own fault too, and has its exit code.
    std::panic::catch_unwind(run).unwrap_or_else(|_| exit::Exit::Fault.into())
}

fn run() -> ExitCode {
    let cli = match cli::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(code) => return code,
    };
    let result = match &cli.command {
        Command::Serve(arguments) => {
            let settings = || Settings::load(Mode::Serve, &arguments.settings, std::env::vars_os());
            match settings() {
                Ok(found) if arguments.check => serve::check(&found),
                Ok(found) => serve::serve(&found, arguments.take_over, settings),
                Err(error) => Err(error.into()),
            }
        }
        Command::Demo(arguments) => {
            let settings = || Settings::load(Mode::Demo, &arguments.settings, std::env::vars_os());
            match settings() {
                Ok(found) => demo::demo(&found, settings),
                Err(error) => Err(error.into()),
            }
        }
        Command::Admin(command) => commands::admin::run(command, jotgate_gateway::timestamp())
            .and_then(|answer| answer.give()),
        Command::Audit(command) => commands::audit::run(command).and_then(|answer| answer.give()),
        Command::Export(arguments) => {
            commands::configuration::export(arguments).and_then(|answer| answer.give())
        }
        Command::Diff(arguments) => {
            commands::configuration::diff(arguments).and_then(|answer| answer.give())
        }
        Command::Apply(arguments) => {
            commands::configuration::apply(arguments).and_then(|answer| answer.give())
        }
        Command::Import(arguments) => {
            commands::import::import(arguments).and_then(|answer| answer.give())
        }
        Command::Revisions(command) => {
            commands::revisions::run(command).and_then(|answer| answer.give())
        }
        Command::Backup(arguments) => {
            commands::backup::backup(arguments, jotgate_gateway::timestamp())
                .and_then(|answer| answer.give())
        }
        Command::Restore(arguments) => {
            commands::backup::restore(arguments, jotgate_gateway::timestamp())
                .and_then(|answer| answer.give())
        }
        Command::Move(arguments) => {
            Settings::load(Mode::Serve, &arguments.settings, std::env::vars_os())
                .map_err(Into::into)
                .and_then(|settings| commands::moving::run(&settings, jotgate_gateway::timestamp()))
                .and_then(|answer| answer.give())
        }
        Command::Keys(command) => commands::keys::run(command).and_then(|answer| answer.give()),
        Command::ApiKeys(command) => {
            commands::api_keys::run(command).and_then(|answer| answer.give())
        }
        Command::Keygen(arguments) => {
            commands::keygen::run(arguments, commands::now()).and_then(|answer| answer.give())
        }
        Command::Check(arguments) => {
            commands::check::run(arguments, commands::now()).and_then(|answer| answer.give())
        }
        Command::Token(command) => {
            commands::token::run(command, commands::now()).and_then(|answer| answer.give())
        }
    };
    result.unwrap_or_else(|failure| failure.report())
}
