//! `jotgate move`: from a data directory to a database that several nodes share.

use clap::Args;
use jotgate_model::Timestamp;
use tokio::runtime::Builder;

use crate::cluster_key::cluster_key;
use crate::commands::Answer;
use crate::data_directory::DataDirectory;
use crate::exit::{Exit, Failure};
use crate::fleet;
use crate::settings::{Database, SettingFlags, Settings};

/// What `jotgate move` takes.
#[derive(Debug, Args)]
pub(crate) struct MoveArguments {
    /// The settings.
    #[command(flatten)]
    pub(crate) settings: SettingFlags,
}

pub(crate) fn run(settings: &Settings, now: Timestamp) -> Result<Answer, Failure> {
    let Database::Postgres(url) = &settings.database else {
        let sentence =
            "--database-url-file is missing: name the database that is to have everything";
        return Err(Failure::new(Exit::BadSetting, sentence));
    };
    if !settings.data_dir.join("configuration.db").is_file() {
        let sentence = format!(
            "the data directory {} holds no configuration; name another with --data-dir",
            settings.data_dir.display()
        );
        return Err(Failure::new(Exit::DataDirectory, sentence));
    }
    // Nobody else has it until this ends.
    let directory = DataDirectory::open(&settings.data_dir)?;
    let cluster_key = cluster_key(settings.cluster_key.as_ref(), &directory)?;
    let runtime = Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| {
        let sentence = format!("the move cannot be started ({error})");
        Failure::new(Exit::Fault, sentence)
    })?;
    let moving = fleet::move_there(directory.path(), url, &cluster_key, now);
    let rows = runtime.block_on(moving)?;
    Ok(Answer::done(format!(
        "{rows} rows are in the database now, with the audit trail; start the gateway with the same settings\n\
         what is in {} stays as it is, and is no longer used\n",
        directory.path().display()
    )))
}
