//! The two forms as pages: no script, no picture, nothing from elsewhere.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Response};

use crate::body::ResponseBody;
use crate::respond::OWN_PAGE;

/// Which form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Name and password.
    SignIn,
    /// The first administrator.
    SetUp,
}

/// What stands in it. Everything but `state` comes from the request.
#[derive(Default)]
pub(super) struct Fields {
    pub(super) state: String,
    pub(super) secret: String,
    pub(super) return_to: String,
    pub(super) id: String,
    pub(super) problem: String,
}

const STYLE: &str = "\
body{margin:0;font:1rem/1.5 system-ui,sans-serif;color-scheme:light dark}\
main{max-width:22rem;margin:10vh auto;padding:0 1rem}\
label,input,button{display:block;width:100%;box-sizing:border-box;font:inherit}\
input{margin:0 0 1rem;padding:.5rem}button{padding:.6rem}\
[role=alert]{border-left:.25rem solid;padding-left:.75rem}";

/// Only this style, only this form, in no frame.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = base64_simd::STANDARD.encode_to_string(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; form-action 'self'; base-uri 'none'; \
         frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

pub(super) fn response(form: Form, fields: &Fields) -> Response<ResponseBody> {
    let mut response = Response::new(ResponseBody::full(page(form, fields)));
    let headers = response.headers_mut();
    let html = HeaderValue::from_static("text/html;charset=utf-8");
    headers.insert(CONTENT_TYPE, html);
    for (name, value) in OWN_PAGE {
        headers.insert(name, value);
    }
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    let frames = HeaderName::from_static("x-frame-options");
    headers.insert(frames, HeaderValue::from_static("DENY"));
    response
}

fn page(form: Form, fields: &Fields) -> String {
    let (title, action, button) = match form {
        Form::SignIn => ("Sign in", "/internal_forms_authentication/", "Sign in"),
        Form::SetUp => ("Make an administrator", "/qmc/setup", "Make and sign in"),
    };
    let problem = match fields.problem.as_str() {
        "" => String::new(),
        problem => format!("<p role=\"alert\">{}</p>\n", escape(problem)),
    };
    let passwords = match form {
        Form::SignIn => password("password", "Password", "current-password"),
        Form::SetUp => {
            password(
                "password",
                "Password (12 characters or more)",
                "new-password",
            ) + &password("again", "The same password again", "new-password")
        }
    };
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{title} - Jotgate</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         <h1>{title}</h1>\n{problem}<form method=\"post\" action=\"{action}\">\n{hidden}\
         <label for=\"userId\">Name</label>\n<input id=\"userId\" name=\"userId\" \
         value=\"{id}\" autocomplete=\"username\" maxlength=\"255\" required>\n\
         {passwords}<button>{button}</button>\n</form>\n</main>\n</body>\n</html>\n",
        hidden = hidden(form, fields),
        id = escape(&fields.id),
    )
}

fn hidden(form: Form, fields: &Fields) -> String {
    let mut text = String::new();
    let mut put = |name: &str, value: &str| {
        let value = escape(value);
        text.push_str(&format!(
            "<input type=\"hidden\" name=\"{name}\" value=\"{value}\">\n"
        ));
    };
    put("state", &fields.state);
    match form {
        Form::SignIn => put("returnTo", &fields.return_to),
        Form::SetUp => put("token", &fields.secret),
    }
    text
}

fn password(name: &str, label: &str, autocomplete: &str) -> String {
    format!(
        "<label for=\"{name}\">{label}</label>\n<input id=\"{name}\" name=\"{name}\" \
         type=\"password\" autocomplete=\"{autocomplete}\" maxlength=\"1024\" required>\n"
    )
}

/// Text as it stands in an element or a quoted attribute.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            other => escaped.push(other),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pages_are_public() {
        let fields = Fields {
            state: "STATE".into(),
            secret: "SECRET".into(),
            return_to: "/hub/".into(),
            id: "anna".into(),
            problem: "The name or the password is wrong.".into(),
        };
        insta::assert_snapshot!("sign_in_page", page(Form::SignIn, &fields));
        insta::assert_snapshot!(
            "set_up_page",
            page(
                Form::SetUp,
                &Fields {
                    problem: String::new(),
                    ..fields
                }
            )
        );
    }

    #[test]
    fn nothing_that_is_sent_becomes_markup() {
        let evil = "\"><script>alert('1')</script>&";
        let fields = Fields {
            state: evil.into(),
            secret: evil.into(),
            return_to: evil.into(),
            id: evil.into(),
            problem: evil.into(),
        };
        for form in [Form::SignIn, Form::SetUp] {
            let page = page(form, &fields);
            assert!(
                !page.contains("<script") && !page.contains("\"\">"),
                "{page}"
            );
        }
    }
}
