//! The least number of passed tests of each suite, committed as `xtask/floors.toml`.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::workspace;

/// The floor of each suite, by name.
pub(crate) struct Floors(BTreeMap<String, u32>);

impl Floors {
    /// Reads the committed file, which has to name every suite of `suites` and nothing else.
    ///
    /// # Errors
    ///
    /// When it cannot be read, a suite is missing, or a name is no suite's.
    pub(crate) fn read(suites: &[&str]) -> Result<Self> {
        let path = workspace::root().join("xtask/floors.toml");
        let text = std::fs::read_to_string(&path)
            .with_context(|| format!("{} could not be read", path.display()))?;
        Self::parse(&text, suites).with_context(|| format!("in {}", path.display()))
    }

    fn parse(text: &str, suites: &[&str]) -> Result<Self> {
        let floors: BTreeMap<String, u32> = toml::from_str(text)?;
        for suite in suites {
            match floors.get(*suite) {
                None => bail!("the suite {suite} has no floor"),
                Some(0) => bail!("the floor of {suite} is 0: then it could go quiet"),
                Some(_) => {}
            }
        }
        if let Some(name) = floors.keys().find(|name| !suites.contains(&name.as_str())) {
            bail!("there is no suite {name}");
        }
        Ok(Self(floors))
    }

    /// The floor of `suite`.
    pub(crate) fn of(&self, suite: &str) -> u32 {
        self.0.get(suite).copied().unwrap_or(u32::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_suite_has_a_floor_above_zero_and_every_floor_a_suite() {
        let suites = ["unit", "browser"];
        let floors = Floors::parse("unit = 3\nbrowser = 1\n", &suites).unwrap();
        assert_eq!(floors.of("unit"), 3);
        for bad in [
            "unit = 3",
            "unit = 3\nbrowser = 0",
            "unit = 3\nbrowser = 1\nx = 1",
            "unit = -1\nbrowser = 1",
        ] {
            assert!(Floors::parse(bad, &suites).is_err(), "{bad}");
        }
    }

    #[test]
    fn the_committed_file_fits_the_suites() {
        Floors::read(&crate::suite::names()).unwrap();
    }
}
