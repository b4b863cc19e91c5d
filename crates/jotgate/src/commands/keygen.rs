//! `jotgate keygen`: a key pair with a certificate, for signing tokens.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use jotgate_model::UnixTime;

use super::Answer;
use crate::certificates::{KeySize, self_signed};
use crate::exit::{Exit, Failure};
use crate::shell::quote;

const PRIVATE_KEY: &str = "private_key.pem";
const CERTIFICATE: &str = "certificate.pem";
const PUBLIC_KEY: &str = "public_key.pem";
/// The longest common name (RFC 5280 appendix A.1, `ub-common-name`).
const MAX_SUBJECT: usize = 64;

/// What `jotgate keygen` takes.
#[derive(Debug, Args)]
pub(crate) struct KeygenArguments {
    /// The folder to write to; files that are there are never overwritten
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// The length of the RSA key
    #[arg(long, value_enum, default_value_t = Bits::Bits2048)]
    pub(crate) bits: Bits,
    /// For how many days the certificate is valid
    #[arg(long, value_name = "N", default_value_t = 730,
        value_parser = clap::value_parser!(u64).range(1..=36_500))]
    pub(crate) days: u64,
    /// The common name in the certificate
    #[arg(long, value_name = "CN", default_value = "jotgate token signing")]
    pub(crate) subject: String,
}

/// The length of a key.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub(crate) enum Bits {
    /// Enough for what is signed today.
    #[value(name = "2048", help = None)]
    Bits2048,
    /// As strong as 128 bits.
    #[value(name = "3072", help = None)]
    Bits3072,
    /// Slow to sign with.
    #[value(name = "4096", help = None)]
    Bits4096,
}

impl From<Bits> for KeySize {
    fn from(bits: Bits) -> Self {
        match bits {
            Bits::Bits2048 => Self::Bits2048,
            Bits::Bits3072 => Self::Bits3072,
            Bits::Bits4096 => Self::Bits4096,
        }
    }
}

/// Makes the files and says what each is for.
///
/// # Errors
/// One of the files is there already, or cannot be written.
pub(crate) fn run(arguments: &KeygenArguments, now: UnixTime) -> Result<Answer, Failure> {
    let subject = subject(&arguments.subject)?;
    let folder = &arguments.out;
    fs::create_dir_all(folder).map_err(|error| not_written(folder, &error))?;
    for name in [PRIVATE_KEY, CERTIFICATE, PUBLIC_KEY] {
        let path = folder.join(name);
        if path.symlink_metadata().is_ok() {
            return Err(already_there(&path));
        }
    }
    let made =
        self_signed(arguments.bits.into(), subject, arguments.days, now).map_err(|error| {
            Failure::new(
                Exit::Fault,
                format!("the key cannot be made ({error}); report this as a fault"),
            )
        })?;
    for (name, pem) in [
        (PRIVATE_KEY, made.private_key),
        (CERTIFICATE, made.certificate),
        (PUBLIC_KEY, made.public_key),
    ] {
        let path = folder.join(name);
        pem.create(&path).map_err(|error| match error.kind() {
            io::ErrorKind::AlreadyExists => already_there(&path),
            _ => not_written(&path, &error),
        })?;
    }
    Ok(Answer::done(report(folder)))
}

fn report(folder: &Path) -> String {
    let path = |name: &str| folder.join(name).display().to_string();
    format!(
        "{}\n    signs tokens. Keep it where your portal makes them, and nowhere else: whoever has it\n    can sign in as anybody.\n{}\n    checks tokens. Paste it into the virtual proxy, in the field \"JWT certificate\".\n{}\n    the same key without a certificate, for programs that want it in that form.\n\nTry it:\n    jotgate token sign --key {} --claim userId=me --claim userDirectory=example\n",
        path(PRIVATE_KEY),
        path(CERTIFICATE),
        path(PUBLIC_KEY),
        quote(&path(PRIVATE_KEY)),
    )
}

/// The common name, also when it is written as in other tools.
fn subject(text: &str) -> Result<&str, Failure> {
    let name = text
        .strip_prefix("/CN=")
        .or_else(|| text.strip_prefix("CN="))
        .unwrap_or(text)
        .trim();
    let length = name.chars().count();
    if (1..=MAX_SUBJECT).contains(&length) && !name.chars().any(char::is_control) {
        Ok(name)
    } else {
        Err(Failure::new(
            Exit::Usage,
            format!(
                "--subject must be one name of 1 to {MAX_SUBJECT} characters; write for instance --subject portal.example.com"
            ),
        ))
    }
}

fn already_there(path: &Path) -> Failure {
    Failure::new(
        Exit::Usage,
        format!(
            "{} is there already and is not overwritten; name another folder with --out",
            path.display()
        ),
    )
}

fn not_written(path: &Path, error: &io::Error) -> Failure {
    Failure::new(
        Exit::Usage,
        format!(
            "{} cannot be written ({error}); name a folder that you may write with --out",
            path.display()
        ),
    )
}

#[cfg(test)]
mod tests;
