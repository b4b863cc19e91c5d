//! What came back.

use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::Value;

use super::Failure;
use super::raw::RawAnswer;

/// A whole answer.
#[derive(Clone, Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its header.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
    /// What followed the body.
    pub trailers: HeaderMap,
}

impl Answer {
    pub(super) async fn collect(response: http::Response<Incoming>) -> Result<Self, Failure> {
        let (head, body) = response.into_parts();
        let body = body.collect().await?;
        Ok(Self {
            status: head.status.as_u16(),
            headers: head.headers,
            trailers: body.trailers().cloned().unwrap_or_default(),
            body: body.to_bytes(),
        })
    }

    /// The body as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body as JSON.
    ///
    /// # Panics
    /// When it is none.
    #[must_use]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("no JSON ({error}): {}", self.text()))
    }

    /// A header field that comes once; empty when it does not.
    ///
    /// # Panics
    /// When it comes more than once.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let mut fields = self.headers.get_all(name).iter();
        let value = fields
            .next()
            .map_or("", |value| value.to_str().expect("visible ASCII"));
        assert!(
            fields.next().is_none(),
            "{name} comes more than once: {self:?}"
        );
        value
    }

    /// The reason of a refusal, wherever it stands.
    #[must_use]
    pub fn reason(&self) -> &str {
        self.header("jotgate-reason")
    }

    /// The reference in a refusal's text.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn reference(&self) -> String {
        let text = self.text();
        if let Ok(Value::Object(problem)) = serde_json::from_str(&text) {
            return problem["reference"]
                .as_str()
                .expect("a reference")
                .to_owned();
        }
        let (_, after) = text.split_once("reference: ").expect("a reference");
        after
            .trim_start_matches("<code>")
            .chars()
            .take_while(char::is_ascii_alphanumeric)
            .collect()
    }

    /// Every cookie that is set.
    #[must_use]
    pub fn cookies(&self) -> Vec<Cookie> {
        let fields = self.headers.get_all("set-cookie").iter();
        fields
            .map(|field| Cookie::parse(field.to_str().expect("visible ASCII")))
            .collect()
    }

    /// The one cookie that is set.
    ///
    /// # Panics
    /// When there is none, or more than one.
    #[must_use]
    pub fn cookie(&self) -> Cookie {
        let mut cookies = self.cookies();
        assert_eq!(cookies.len(), 1, "expected one cookie: {self:?}");
        cookies.remove(0)
    }
}

impl From<RawAnswer> for Answer {
    fn from(raw: RawAnswer) -> Self {
        Self {
            status: raw.status,
            headers: raw.headers,
            body: raw.body.into(),
            trailers: HeaderMap::new(),
        }
    }
}

/// A cookie that the gateway set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cookie {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
    /// What follows, such as `; Path=/; HttpOnly`.
    pub attributes: String,
}

impl Cookie {
    /// A cookie that a test makes up.
    #[must_use]
    pub fn new(name: &str, value: &str) -> Self {
        Self {
            name: name.to_owned(),
            value: value.to_owned(),
            attributes: String::new(),
        }
    }

    fn parse(text: &str) -> Self {
        let (name, rest) = text.split_once('=').expect("a cookie");
        let end = rest.find(';').unwrap_or(rest.len());
        Self {
            name: name.to_owned(),
            value: rest[..end].to_owned(),
            attributes: rest[end..].to_owned(),
        }
    }

    /// `name=value`, as a browser sends it back.
    #[must_use]
    pub fn pair(&self) -> String {
        format!("{}={}", self.name, self.value)
    }
}
