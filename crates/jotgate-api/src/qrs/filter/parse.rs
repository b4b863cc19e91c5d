//! From the text of a filter to its tree.

use super::{FilterError, MAX_DEPTH, MAX_LENGTH};

/// A parsed filter. Chains are flat, so that its depth is that of its parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::qrs) enum Filter {
    /// All of them hold.
    And(Vec<Self>),
    /// This holds.
    Compare(Comparison),
    /// One of them holds.
    Or(Vec<Self>),
}

/// A property, an operator, a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::qrs) struct Comparison {
    /// `tags.name`, or `@Name` for a custom property.
    pub(in crate::qrs) property: String,
    /// How it is compared.
    pub(in crate::qrs) operator: Operator,
    /// With what, without quotes.
    pub(in crate::qrs) value: String,
    /// Whether the value was in quotes.
    pub(in crate::qrs) quoted: bool,
}

/// The operators.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::qrs) enum Operator {
    /// Equal.
    Eq,
    /// Ends with.
    Ew,
    /// Greater or equal.
    Ge,
    /// Greater.
    Gt,
    /// Less or equal.
    Le,
    /// Less.
    Lt,
    /// Not equal.
    Ne,
    /// Has it somewhere: "substring of".
    So,
    /// Starts with.
    Sw,
}

impl Operator {
    /// All of them.
    pub(in crate::qrs) const ALL: [Self; 9] = [
        Self::Eq,
        Self::Ew,
        Self::Ge,
        Self::Gt,
        Self::Le,
        Self::Lt,
        Self::Ne,
        Self::So,
        Self::Sw,
    ];

    /// As filters write it.
    pub(in crate::qrs) const fn name(self) -> &'static str {
        match self {
            Self::Eq => "eq",
            Self::Ew => "ew",
            Self::Ge => "ge",
            Self::Gt => "gt",
            Self::Le => "le",
            Self::Lt => "lt",
            Self::Ne => "ne",
            Self::So => "so",
            Self::Sw => "sw",
        }
    }
}

impl Filter {
    /// Parses a filter.
    ///
    /// # Errors
    /// What is wrong with it and where.
    pub(in crate::qrs) fn parse(text: &str) -> Result<Self, FilterError> {
        if text.len() > MAX_LENGTH {
            return Err(FilterError::Long);
        }
        let mut parser = Parser {
            tokens: tokens(text)?,
            next: 0,
            depth: 0,
            end: text.len(),
        };
        let filter = parser.disjunction()?;
        match parser.peek() {
            None => Ok(filter),
            Some(_) => Err(parser.expected("the end, \"and\" or \"or\"")),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Token {
    Close,
    Open,
    Text(String),
    Word(String),
}

fn tokens(text: &str) -> Result<Vec<(usize, Token)>, FilterError> {
    let mut tokens = Vec::new();
    let mut chars = text.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        let token = match c {
            c if c.is_whitespace() => continue,
            '(' => Token::Open,
            ')' => Token::Close,
            '\'' => {
                let mut literal = String::new();
                loop {
                    match chars.next() {
                        None => return Err(FilterError::Quote(at)),
                        // A doubled quote stands for one.
                        Some((_, '\'')) => match chars.next_if(|(_, c)| *c == '\'') {
                            Some(_) => literal.push('\''),
                            None => break,
                        },
                        Some((_, c)) => literal.push(c),
                    }
                }
                Token::Text(literal)
            }
            c => {
                let mut word = String::from(c);
                while let Some((_, c)) = chars.next_if(|(_, c)| is_word(*c)) {
                    word.push(c);
                }
                Token::Word(word)
            }
        };
        tokens.push((at, token));
    }
    Ok(tokens)
}

fn is_word(c: char) -> bool {
    !c.is_whitespace() && !matches!(c, '(' | ')' | '\'')
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    depth: usize,
    end: usize,
}

impl Parser {
    fn disjunction(&mut self) -> Result<Filter, FilterError> {
        let first = self.conjunction()?;
        self.chain("or", first, Filter::Or, Self::conjunction)
    }

    fn conjunction(&mut self) -> Result<Filter, FilterError> {
        let first = self.primary()?;
        self.chain("and", first, Filter::And, Self::primary)
    }

    fn chain(
        &mut self,
        keyword: &str,
        first: Filter,
        join: fn(Vec<Filter>) -> Filter,
        operand: fn(&mut Self) -> Result<Filter, FilterError>,
    ) -> Result<Filter, FilterError> {
        let mut operands = vec![];
        while self.take_keyword(keyword) {
            operands.push(operand(self)?);
        }
        if operands.is_empty() {
            return Ok(first);
        }
        operands.insert(0, first);
        Ok(join(operands))
    }

    fn primary(&mut self) -> Result<Filter, FilterError> {
        if self.peek() != Some(&Token::Open) {
            return self.comparison().map(Filter::Compare);
        }
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(FilterError::Deep);
        }
        self.next += 1;
        let inner = self.disjunction()?;
        if self.peek() != Some(&Token::Close) {
            return Err(self.expected("\")\""));
        }
        self.next += 1;
        self.depth -= 1;
        Ok(inner)
    }

    fn comparison(&mut self) -> Result<Comparison, FilterError> {
        let property = match self.peek() {
            Some(Token::Word(word)) if is_property(word) => word.clone(),
            _ => return Err(self.expected("a property")),
        };
        self.next += 1;
        let operator = match self.peek() {
            Some(Token::Word(word)) => Operator::ALL
                .into_iter()
                .find(|operator| operator.name().eq_ignore_ascii_case(word)),
            _ => None,
        };
        let operator = operator.ok_or_else(|| self.expected("an operator"))?;
        self.next += 1;
        let (value, quoted) = match self.peek() {
            Some(Token::Text(text)) => (text.clone(), true),
            Some(Token::Word(word)) => (word.clone(), false),
            _ => return Err(self.expected("a value")),
        };
        self.next += 1;
        Ok(Comparison {
            property,
            operator,
            value,
            quoted,
        })
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn take_keyword(&mut self, keyword: &str) -> bool {
        let found =
            matches!(self.peek(), Some(Token::Word(word)) if word.eq_ignore_ascii_case(keyword));
        self.next += usize::from(found);
        found
    }

    fn expected(&self, expected: &'static str) -> FilterError {
        let at = self.tokens.get(self.next).map_or(self.end, |(at, _)| *at);
        FilterError::Expected { expected, at }
    }
}

/// Names with dots between them, or the name of a custom property after `@`.
fn is_property(word: &str) -> bool {
    let is_name =
        |name: &str| !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    match word.strip_prefix('@') {
        Some(custom) => is_name(custom),
        None => word.split('.').all(is_name),
    }
}

/// Writes the filter in its shortest unambiguous form.
#[cfg(test)]
impl std::fmt::Display for Filter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (keyword, operands) = match self {
            Self::And(operands) => (" and ", operands),
            Self::Compare(c) => {
                write!(f, "{} {} ", c.property, c.operator.name())?;
                return if c.quoted {
                    write!(f, "'{}'", c.value.replace('\'', "''"))
                } else {
                    f.write_str(&c.value)
                };
            }
            Self::Or(operands) => (" or ", operands),
        };
        for (i, operand) in operands.iter().enumerate() {
            if i > 0 {
                f.write_str(keyword)?;
            }
            match operand {
                Self::Compare(_) => write!(f, "{operand}")?,
                _ => write!(f, "({operand})")?,
            }
        }
        Ok(())
    }
}
