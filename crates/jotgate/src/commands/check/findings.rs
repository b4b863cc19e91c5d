//! What was tried, what was found, what to do.

use std::fmt::Write as _;

use serde_json::json;

/// Characters of what a server says.
const MAX_SAID: usize = 200;

/// Whether something is as it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    Good,
    /// Nothing is wrong, but somebody should know.
    Note,
    Wrong,
}

impl Outcome {
    const fn id(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Note => "note",
            Self::Wrong => "wrong",
        }
    }
}

#[derive(Debug)]
struct Finding {
    step: &'static str,
    outcome: Outcome,
    found: String,
    remedy: Option<String>,
}

/// Everything that was tried so far.
#[derive(Debug)]
pub(super) struct Findings {
    list: Vec<Finding>,
    /// What no answer may repeat: a server is a stranger and may echo it.
    secrets: Vec<String>,
}

impl Findings {
    /// None yet. The token is in none of them.
    pub(super) fn without(token: Option<&str>) -> Self {
        let mut findings = Self {
            list: Vec::new(),
            secrets: Vec::new(),
        };
        findings.hide(token.unwrap_or_default());
        findings
    }

    /// Keeps a secret out of every later finding.
    pub(super) fn hide(&mut self, secret: &str) {
        if !secret.is_empty() {
            self.secrets.push(secret.to_owned());
        }
    }

    pub(super) fn good(&mut self, step: &'static str, found: impl Into<String>) {
        self.add(step, Outcome::Good, found.into(), None);
    }

    pub(super) fn note(&mut self, step: &'static str, found: impl Into<String>, remedy: &str) {
        self.add(step, Outcome::Note, found.into(), Some(remedy));
    }

    pub(super) fn wrong(&mut self, step: &'static str, found: impl Into<String>, remedy: &str) {
        self.add(step, Outcome::Wrong, found.into(), Some(remedy));
    }

    fn add(&mut self, step: &'static str, outcome: Outcome, found: String, remedy: Option<&str>) {
        let mut found = found;
        for secret in &self.secrets {
            found = found.replace(secret.as_str(), "...");
        }
        self.list.push(Finding {
            step,
            outcome,
            found,
            remedy: remedy.map(str::to_owned),
        });
    }

    pub(super) fn is_good(&self) -> bool {
        self.list
            .iter()
            .all(|finding| finding.outcome != Outcome::Wrong)
    }

    pub(super) fn text(&self) -> String {
        let mut text = String::new();
        for finding in &self.list {
            let word = match finding.outcome {
                Outcome::Wrong => "WRONG",
                other => other.id(),
            };
            // Writing to a string cannot fail.
            writeln!(text, "{:<10}  {word:<5}  {}", finding.step, finding.found)
                .unwrap_or_default();
            if let Some(remedy) = &finding.remedy {
                writeln!(text, "{:19}{remedy}", "").unwrap_or_default();
            }
        }
        text
    }

    pub(super) fn json(&self) -> String {
        let findings = self.list.iter().map(|finding| {
            json!({
                "step": finding.step,
                "outcome": finding.outcome.id(),
                "found": finding.found,
                "remedy": finding.remedy,
            })
        });
        let findings: Vec<_> = findings.collect();
        format!(
            "{:#}\n",
            json!({"good": self.is_good(), "findings": findings})
        )
    }
}

/// What a server says, short and without control characters.
pub(super) fn said(text: &str) -> String {
    let printable = |c: char| if c.is_control() { ' ' } else { c };
    text.chars().map(printable).take(MAX_SAID).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_finding_repeats_a_token() {
        let mut findings = Findings::without(Some("eyJ.a.b"));
        findings.hide("cookie-value");
        findings.wrong("sign-in", "it says eyJ.a.b and cookie-value", "change it");
        findings.note("x", said("a\r\nb\u{1b}"), "know it");
        for text in [findings.text(), findings.json()] {
            assert!(
                !text.contains("eyJ") && !text.contains("cookie-value"),
                "{text}"
            );
            assert!(
                text.contains("it says ... and ...") && text.contains("a  b "),
                "{text}"
            );
        }
        assert!(!findings.is_good());
    }
}
