//! A form that was posted: read, bounded, and proved to come from a page of the same session.

use axum::extract::{FromRequest, Request};
use axum::response::Response;
use axum::{RequestExt, body::Bytes};
use http::StatusCode;
use http::header::CONTENT_TYPE;

use crate::visit::Visit;
use crate::{Console, MAX_FORM, pages};

/// The hidden field with the session's token.
const TOKEN: &str = "csrf";
/// Fields of one form.
const MAX_FIELDS: usize = 10_000;

/// A visitor who posts a form, and what is in it.
pub(crate) struct Posted {
    pub(crate) visit: Visit,
    pub(crate) fields: Fields,
}

impl FromRequest<Console> for Posted {
    type Rejection = Response;

    async fn from_request(mut request: Request, console: &Console) -> Result<Self, Response> {
        let visit: Visit = request.extract_parts_with_state(console).await?;
        let content_type = request.headers().get(CONTENT_TYPE);
        let is_form = content_type.is_some_and(|value| {
            let value = value.as_bytes().split(|b| *b == b';').next();
            value.is_some_and(|v| {
                v.trim_ascii()
                    .eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
            })
        });
        if !is_form {
            let sentence = "The console takes forms only.";
            let status = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return Err(pages::trouble(
                &visit,
                status,
                "That was not done",
                sentence,
            ));
        }
        let body = Bytes::from_request(request, console).await;
        let body = body.map_err(|rejection| {
            let most = MAX_FORM >> 20;
            let sentence = format!(
                "The form cannot be read, or is longer than {most} MiB. Go back: what was typed is still there. A \
                 configuration of that size is for `jotgate apply`."
            );
            pages::trouble(&visit, rejection.status(), "That was not done", &sentence)
        })?;
        let Some(fields) = Fields::parse(&body) else {
            let sentence = format!("The form has more than {MAX_FIELDS} fields.");
            let status = StatusCode::BAD_REQUEST;
            return Err(pages::trouble(
                &visit,
                status,
                "That was not done",
                &sentence,
            ));
        };
        if !visit.is_own_token(fields.text(TOKEN)) {
            let sentence = "The form belongs to a session that has ended. Nothing was changed. Go back, \
                            reload the page, and do it again.";
            let status = StatusCode::FORBIDDEN;
            return Err(pages::trouble(
                &visit,
                status,
                "That was not done",
                sentence,
            ));
        }
        Ok(Self { visit, fields })
    }
}

/// Names and values, in their order. A name may come more than once.
#[derive(Debug, Default)]
pub(crate) struct Fields(Vec<(String, String)>);

impl Fields {
    fn parse(body: &[u8]) -> Option<Self> {
        let pairs = form_urlencoded::parse(body).take(MAX_FIELDS + 1);
        let pairs: Vec<_> = pairs
            .map(|(n, v)| (n.into_owned(), v.into_owned()))
            .collect();
        (pairs.len() <= MAX_FIELDS).then_some(Self(pairs))
    }

    /// The first value of that name; empty when there is none.
    pub(crate) fn text(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    /// Every value of that name.
    pub(crate) fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.0.iter().filter(move |(its, _)| its == name);
        named.map(|(_, value)| value.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_bounded_and_keep_their_order() {
        let fields = Fields::parse(b"a=1&b=x+y%0D%0Az&a=2&c").unwrap();
        assert_eq!(fields.all("a").collect::<Vec<_>>(), ["1", "2"]);
        assert_eq!(fields.text("b"), "x y\r\nz");
        assert_eq!((fields.text("c"), fields.text("d")), ("", ""));
        assert!(Fields::parse("a&".repeat(MAX_FIELDS).as_bytes()).is_some());
        assert!(Fields::parse("a&".repeat(MAX_FIELDS + 1).as_bytes()).is_none());
    }
}
