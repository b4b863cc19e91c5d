//! From text to rule, by recursive descent.

use super::{AccessRule, AccessRuleError, Condition, Subject, is_word_byte};

/// The longest rule, in characters.
const MAX_LENGTH: usize = 4096;
/// How many parentheses and words `not` may be inside of each other.
const MAX_DEPTH: usize = 32;

impl AccessRule {
    /// Parses a rule. An empty text is no rule: everybody who authenticates is let in.
    ///
    /// # Errors
    /// The sentence that says where the text stops being a rule, and what should stand there.
    pub fn parse(text: &str) -> Result<Option<Self>, AccessRuleError> {
        let length = text.chars().count();
        if length > MAX_LENGTH {
            return Err(AccessRuleError(format!(
                "is {length} characters long; shorten it to at most {MAX_LENGTH}"
            )));
        }
        if text.trim().is_empty() {
            return Ok(None);
        }
        let mut parser = Parser { text, at: 0 };
        let condition = parser.any(0)?;
        parser.skip_blanks();
        if parser.at < text.len() {
            return Err(parser.expected("\"and\", \"or\" or the end"));
        }
        Ok(Some(Self(condition)))
    }
}

struct Parser<'a> {
    text: &'a str,
    /// In bytes, always at the beginning of a character.
    at: usize,
}

impl Parser<'_> {
    fn any(&mut self, depth: usize) -> Result<Condition, AccessRuleError> {
        let mut conditions = vec![self.all(depth)?];
        while self.take_word("or") {
            conditions.push(self.all(depth)?);
        }
        Ok(joined(conditions, Condition::Any))
    }

    fn all(&mut self, depth: usize) -> Result<Condition, AccessRuleError> {
        let mut conditions = vec![self.one(depth)?];
        while self.take_word("and") {
            conditions.push(self.one(depth)?);
        }
        Ok(joined(conditions, Condition::All))
    }

    fn one(&mut self, depth: usize) -> Result<Condition, AccessRuleError> {
        if depth > MAX_DEPTH {
            return Err(self.wrong(&format!(
                "there are more than {MAX_DEPTH} parentheses and \"not\" inside of each other"
            )));
        }
        if self.take_word("not") {
            return Ok(Condition::Not(Box::new(self.one(depth + 1)?)));
        }
        if self.take('(') {
            let condition = self.any(depth + 1)?;
            self.require(')')?;
            return Ok(condition);
        }
        let subject = self.subject()?;
        if self.take('=') {
            return Ok(Condition::Is(subject, vec![self.quoted()?]));
        }
        if !self.take_word("in") {
            return Err(self.expected("= or \"in\""));
        }
        self.require('(')?;
        let mut texts = vec![self.quoted()?];
        while self.take(',') {
            texts.push(self.quoted()?);
        }
        self.require(')')?;
        Ok(Condition::Is(subject, texts))
    }

    fn subject(&mut self) -> Result<Subject, AccessRuleError> {
        if self.take_word("directory") {
            return Ok(Subject::Directory);
        }
        if self.take_word("id") {
            return Ok(Subject::Id);
        }
        if !self.take_word("attribute") {
            return Err(self.expected("directory, id, attribute.NAME, \"not\" or a parenthesis"));
        }
        if self.take('[') {
            let name = self.quoted()?;
            self.require(']')?;
            return Ok(Subject::Attribute(name));
        }
        self.require('.')?;
        self.skip_blanks();
        let name: Box<str> = self.word().into();
        if name.is_empty() {
            return Err(self.expected("the name of an attribute"));
        }
        self.at += name.len();
        Ok(Subject::Attribute(name))
    }

    /// A text in quotation marks.
    fn quoted(&mut self) -> Result<Box<str>, AccessRuleError> {
        if !self.take('"') {
            return Err(self.expected("a text in quotation marks"));
        }
        let begin = self.at;
        let mut text = String::new();
        let mut characters = self.text[begin..].char_indices();
        while let Some((offset, character)) = characters.next() {
            match character {
                '"' => {
                    self.at = begin + offset + 1;
                    return Ok(text.into());
                }
                '\\' => match characters.next() {
                    Some((_, escaped @ ('"' | '\\'))) => text.push(escaped),
                    _ => {
                        self.at = begin + offset;
                        return Err(self.wrong("after \\ there can only be \" or \\"));
                    }
                },
                other => text.push(other),
            }
        }
        self.at = begin - 1;
        Err(self.wrong("the text that begins here has no quotation mark at its end"))
    }

    /// The word that stands here; empty when there is none.
    fn word(&self) -> &str {
        let rest = &self.text[self.at..];
        let end = rest.bytes().take_while(is_word_byte).count();
        &rest[..end]
    }

    fn take_word(&mut self, word: &str) -> bool {
        self.skip_blanks();
        let found = self.word() == word;
        if found {
            self.at += word.len();
        }
        found
    }

    fn take(&mut self, character: char) -> bool {
        self.skip_blanks();
        let found = self.text[self.at..].starts_with(character);
        if found {
            self.at += character.len_utf8();
        }
        found
    }

    fn require(&mut self, character: char) -> Result<(), AccessRuleError> {
        if self.take(character) {
            Ok(())
        } else {
            Err(self.expected(&character.to_string()))
        }
    }

    fn skip_blanks(&mut self) {
        let rest = &self.text[self.at..];
        self.at = self.text.len() - rest.trim_start().len();
    }

    fn expected(&self, what: &str) -> AccessRuleError {
        let rest = &self.text[self.at..];
        let found = match rest.chars().next() {
            None => "the end".to_owned(),
            Some(_) if !self.word().is_empty() => {
                format!("{:?}", self.word().chars().take(40).collect::<String>())
            }
            Some(character) => format!("{character:?}"),
        };
        self.wrong(&format!("{found} stands where {what} must stand"))
    }

    fn wrong(&self, problem: &str) -> AccessRuleError {
        let position = self.text[..self.at].chars().count() + 1;
        AccessRuleError(format!("is no rule at character {position}: {problem}"))
    }
}

/// One condition by itself, several as a chain.
fn joined(
    mut conditions: Vec<Condition>,
    chain: impl FnOnce(Vec<Condition>) -> Condition,
) -> Condition {
    match conditions.pop() {
        Some(only) if conditions.is_empty() => only,
        Some(last) => {
            conditions.push(last);
            chain(conditions)
        }
        None => chain(conditions),
    }
}
