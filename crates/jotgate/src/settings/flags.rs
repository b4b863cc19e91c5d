//! Settings as flags.

use std::fmt;

use clap::{Arg, ArgAction, ArgMatches, Args, Command, FromArgMatches, error::ErrorKind};

use super::error::Source;
use super::layers::{Found, Layer};
use super::table::{ALL, Fallback, Setting, Shape};

/// The flags of the settings, as they were given. What they mean is judged with the other sources.
#[derive(Clone, Default)]
pub(crate) struct SettingFlags(Vec<(&'static Setting, Vec<String>)>);

impl SettingFlags {
    /// What the flags say.
    pub(super) fn layer(&self) -> Layer {
        let found = |setting: &'static Setting, values: &[String]| Found {
            source: Source::Flag(setting.name),
            values: values.to_vec(),
        };
        self.0
            .iter()
            .map(|(setting, values)| (setting.name, found(setting, values)))
            .collect()
    }
}

/// Names only: values may be secret.
impl fmt::Debug for SettingFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set()
            .entries(self.0.iter().map(|(setting, _)| setting.name))
            .finish()
    }
}

impl Args for SettingFlags {
    fn augment_args(command: Command) -> Command {
        ALL.iter()
            .fold(command, |command, setting| command.arg(flag(setting)))
            .next_help_heading(None)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for SettingFlags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        let mut flags = Self::default();
        flags.update_from_arg_matches(matches)?;
        Ok(flags)
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0.clear();
        for setting in ALL {
            let values = matches
                .try_get_many::<String>(setting.name)
                .map_err(|_| clap::Error::new(ErrorKind::InvalidValue))?;
            if let Some(values) = values {
                self.0.push((*setting, values.cloned().collect()));
            }
        }
        Ok(())
    }
}

fn flag(setting: &'static Setting) -> Arg {
    let default = match setting.default {
        Fallback::Value(text) | Fallback::Words(text) => text.to_owned(),
        Fallback::PerMode(serve, demo) => format!("{serve}, in the demo {demo}"),
    };
    let arg = Arg::new(setting.name)
        .long(setting.name)
        .value_name(setting.value_name)
        .help_heading(setting.heading)
        .help(format!("{} [default: {default}]", setting.help));
    match setting.shape {
        Shape::One => arg.action(ArgAction::Set),
        Shape::List => arg.action(ArgAction::Append),
        Shape::Switch => arg
            .action(ArgAction::Set)
            .num_args(0..=1)
            .require_equals(true)
            .default_missing_value("on"),
    }
}
