//! `jotgate backup` and `jotgate restore`.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Seek};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use clap::Args;
use jotgate_model::Timestamp;
use serde_json::json;

use crate::backup::{Archive, Manifest, pack_stopped, stage};
use crate::client::GatewayArguments;
use crate::commands::Answer;
use crate::data_directory::{DataDirectory, atomic};
use crate::exit::{Exit, Failure};
use crate::fleet;

/// What `jotgate backup` takes.
#[derive(Debug, Args)]
pub(crate) struct BackupArguments {
    /// Where to write it, for the owner alone
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Replace the file when it is there
    #[arg(long)]
    overwrite: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    gateway: GatewayArguments,
}

/// What `jotgate restore` takes.
#[derive(Debug, Args)]
pub(crate) struct RestoreArguments {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// The data directory that is to have it; it may be missing or empty
    #[arg(
        long,
        value_name = "DIR",
        env = "JOTGATE_DATA_DIR",
        hide_env_values = true,
        default_value = "./jotgate-data"
    )]
    data_dir: PathBuf,
    /// Only check the backup, and say what is in it
    #[arg(long)]
    check: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

pub(crate) fn backup(arguments: &BackupArguments, now: Timestamp) -> Result<Answer, Failure> {
    if arguments.gateway.has_api_key() {
        let sentence = "a backup holds private keys, and no API key opens those; \
             use --certificate and --key with --server, or --data-dir on the machine itself";
        return Err(Failure::new(Exit::Usage, sentence.to_owned()));
    }
    let target = &arguments.file;
    if !arguments.overwrite && target.symlink_metadata().is_ok() {
        return Err(is_there(target));
    }
    let unfinished = Unfinished::beside(target).map_err(|error| unwritable(target, &error))?;
    let manifest = write(arguments, &unfinished.0, now)?;
    unfinished
        .finish(target, arguments.overwrite)
        .map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => is_there(target),
            _ => unwritable(target, &error),
        })?;
    let mut answer = described(target, &manifest, arguments.json);
    if !arguments.json {
        answer.push_str(
            "It holds private keys and hashes of passwords: keep it as you keep those.\n",
        );
    }
    Ok(Answer::done(answer))
}

/// Writes a backup to `path`, and reads it again: what arrived is what was sent.
fn write(arguments: &BackupArguments, path: &Path, now: Timestamp) -> Result<Manifest, Failure> {
    let failed = |error: io::Error| unwritable(&arguments.file, &error);
    let mut out = OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(atomic::OWNER_ONLY)
        .open(path)
        .map_err(failed)?;
    let gateway = &arguments.gateway;
    if gateway.is_local_and_stopped() {
        let mut packed = stopped(&gateway.data_dir, now)?;
        io::copy(&mut packed, &mut out).map_err(failed)?;
    } else {
        gateway.fetch("backup", &json!({}), &mut out)?;
    }
    out.sync_all().and_then(|()| out.rewind()).map_err(failed)?;
    Archive::new(out)
        .verify()
        .map_err(|problem| Failure::new(Exit::Fault, format!("what the gateway sends {problem}")))
}

fn stopped(data_dir: &Path, now: Timestamp) -> Result<File, Failure> {
    if !data_dir.join("jotgate-format").is_file() {
        let sentence = format!(
            "the data directory {} holds nothing; name another with --data-dir or --server",
            data_dir.display()
        );
        return Err(Failure::new(Exit::DataDirectory, sentence));
    }
    if fleet::is_node(data_dir) {
        let sentence = "what this gateway serves is in the database that it shares with other nodes; make \
                        backups with PostgreSQL's own tools, such as pg_dump";
        return Err(Failure::new(Exit::DataDirectory, sentence));
    }
    let directory = DataDirectory::open(data_dir)?;
    pack_stopped(directory.path(), now)
}

pub(crate) fn restore(arguments: &RestoreArguments, now: Timestamp) -> Result<Answer, Failure> {
    let name = arguments.file.display();
    let file = File::open(&arguments.file).map_err(|error| {
        let sentence = format!("{name} cannot be read ({error}); name a backup");
        Failure::new(Exit::Usage, sentence)
    })?;
    let refused = |problem: String| {
        let sentence = format!("{name} {problem}");
        Failure::new(Exit::Refused, sentence)
    };
    if arguments.check {
        let manifest = Archive::new(file).verify().map_err(refused)?;
        return Ok(Answer::done(described(
            &arguments.file,
            &manifest,
            arguments.json,
        )));
    }
    let directory = DataDirectory::open(&arguments.data_dir)?;
    let (manifest, replacement) = stage(Archive::new(file), &directory, now).map_err(refused)?;
    let date: String = now
        .to_string()
        .chars()
        .filter(|c| c.is_ascii_digit())
        .take(14)
        .collect();
    let before = replacement.commit(&directory, &date).map_err(|error| {
        let directory = directory.path().display();
        let sentence = format!(
            "the data directory {directory} cannot be replaced ({error}); make it writable for this user, and repeat the command or start the gateway"
        );
        Failure::new(Exit::DataDirectory, sentence)
    })?;
    if arguments.json {
        let answer = json!({"manifest": manifest, "before": before});
        return Ok(Answer::done(format!("{answer:#}\n")));
    }
    let mut text = format!(
        "{} has revision {} of {} again\n",
        directory.path().display(),
        manifest.revision,
        manifest.made_at
    );
    if let Some(before) = before {
        text.push_str(&format!("what was there is in {}\n", before.display()));
    }
    Ok(Answer::done(text))
}

fn described(file: &Path, manifest: &Manifest, json: bool) -> String {
    if json {
        return format!("{:#}\n", json!({"file": file, "manifest": manifest}));
    }
    format!(
        "{} has revision {} of {}: {} files, {} KiB\n",
        file.display(),
        manifest.revision,
        manifest.made_at,
        manifest.files.len(),
        manifest.bytes().div_ceil(1024)
    )
}

fn is_there(target: &Path) -> Failure {
    let target = target.display();
    let sentence = format!("{target} is there already; name another file, or add --overwrite");
    Failure::new(Exit::Usage, sentence)
}

fn unwritable(target: &Path, error: &io::Error) -> Failure {
    let target = target.display();
    Failure::new(Exit::Usage, format!("{target} cannot be written ({error})"))
}

/// The name of a file until it is finished; removed when it never is.
struct Unfinished(PathBuf);

impl Unfinished {
    fn beside(target: &Path) -> io::Result<Self> {
        let folder = atomic::folder_of(target);
        if !folder.is_dir() {
            return Err(ErrorKind::NotFound.into());
        }
        Ok(Self(atomic::unfinished_name(folder)))
    }

    fn finish(&self, target: &Path, overwrite: bool) -> io::Result<()> {
        if overwrite {
            fs::rename(&self.0, target)?;
        } else {
            atomic::name_new(&self.0, target)?;
        }
        atomic::sync_folder(atomic::folder_of(target))
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // There is none when it is finished.
        drop(fs::remove_file(&self.0));
    }
}
