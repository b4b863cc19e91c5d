//! The two forms as pages: no script, nothing from elsewhere.

use std::sync::LazyLock;

use aws_lc_rs::digest::{SHA256, digest};
use http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE, HeaderValue};
use http::{HeaderName, Response};

use crate::body::ResponseBody;
use crate::refuse::NO_ICON;
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

/// The colours and forms of the console (`jotgate-console/assets/console.css`), as far as they are needed
/// here: its files are for those who are signed in.
const STYLE: &str = "\
:root{color-scheme:light dark}\
*{box-sizing:border-box}\
body{margin:0;min-height:100vh;display:grid;place-items:center;padding:1.5rem 1rem;\
background:light-dark(#f5f7f7,#0f1516);color:light-dark(#152023,#e4ebec);\
font:.9375rem/1.5 Inter,system-ui,-apple-system,'Segoe UI','Noto Sans','Liberation Sans',sans-serif}\
main{width:100%;max-width:23rem;padding:1.75rem;background:light-dark(#fff,#161e20);\
border:1px solid light-dark(#dbe2e2,#2b373a);border-radius:10px;\
box-shadow:0 4px 14px light-dark(#15202312,#0006)}\
svg{display:block;margin:0 0 1rem}\
h1{margin:0 0 1.25rem;font-size:1.375rem;line-height:1.25;letter-spacing:-.015em}\
label{display:block;margin:0 0 .25rem;font-weight:600}\
input,button{width:100%;min-height:2.5rem;font:inherit;border-radius:6px}\
input{margin:0 0 1rem;padding:.4rem .65rem;border:1px solid light-dark(#75858a,#718389);\
background:light-dark(#fff,#161e20);color:inherit}\
button{margin:.25rem 0 0;border:0;background:light-dark(#0b665b,#56c9b6);\
color:light-dark(#fff,#04211d);font-weight:600;cursor:pointer}\
button:hover{background:light-dark(#084f47,#7bdccb)}\
:focus-visible{outline:2px solid light-dark(#0b665b,#56c9b6);outline-offset:2px}\
[role=alert]{margin:0 0 1rem;padding:.6rem .8rem;border-left:4px solid light-dark(#b3261e,#ff9a90);\
border-radius:6px;background:light-dark(#fdeceb,#3d1b19)}";

const MARK: &str = "<svg viewBox=\"0 0 32 32\" width=\"36\" height=\"36\" aria-hidden=\"true\">\
<rect width=\"32\" height=\"32\" rx=\"7\" fill=\"#0b5f55\"/>\
<g fill=\"none\" stroke-width=\"2.6\" stroke-linecap=\"round\">\
<path d=\"M9 25V15a7 7 0 0 1 14 0v10\" stroke=\"#fff\"/>\
<path d=\"M16 13v8.5a3.5 3.5 0 0 1-3.5 3.5\" stroke=\"#8fe3d3\"/></g></svg>";

/// Only this style, only this form, in no frame.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let hash = base64_simd::STANDARD.encode_to_string(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; img-src data:; form-action 'self'; base-uri 'none'; \
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
         <title>{title} - Jotgate</title>\n{NO_ICON}<style>{STYLE}</style>\n</head>\n<body>\n<main>\n\
         {MARK}\n<h1>{title}</h1>\n{problem}<form method=\"post\" action=\"{action}\">\n{hidden}\
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
