//! The same request for a command line and for programs.

/// Id, heading and text of each. The path is one that [`super::Typed::problem_of_path`] has let through;
/// something that no token can be stays out.
pub(super) fn lines(
    origin: &str,
    path: &str,
    token: &str,
) -> Vec<(&'static str, &'static str, String)> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    if !token.bytes().all(fits) {
        return Vec::new();
    }
    let address = format!("{origin}{path}");
    vec![
        ("curl", "curl", curl(&address, token)),
        ("powershell", "PowerShell", powershell(&address, token)),
        ("javascript", "JavaScript", javascript(&address, token)),
    ]
}

/// The token is not among the arguments, which every process of the machine can see.
fn curl(address: &str, token: &str) -> String {
    format!("curl --include --header @- '{address}' <<'END'\nAuthorization: Bearer {token}\nEND\n")
}

fn powershell(address: &str, token: &str) -> String {
    format!(
        "$headers = @{{ Authorization = 'Bearer {token}' }}\n\
         Invoke-WebRequest -Uri '{address}' -Headers $headers -MaximumRedirection 0\n"
    )
}

fn javascript(address: &str, token: &str) -> String {
    format!(
        "const headers = {{ Authorization: \"Bearer {token}\" }};\n\
         const answer = await fetch(\"{address}\", {{ headers, credentials: \"include\" }});\n\
         console.log(answer.status, answer.headers.get(\"jotgate-reason\"), await answer.text());\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_token_is_in_no_line_for_a_shell() {
        for token in ["a'b", "a\nEND\nid", "$(id)", "a b", "\"", "ä"] {
            assert!(lines("https://x", "/", token).is_empty(), "{token}");
        }
        let all = lines("https://x", "/portal/hub/", "a-b_c.d");
        assert_eq!(all.len(), 3);
        for (_, _, text) in all {
            assert!(text.contains("https://x/portal/hub/") && text.contains("Bearer a-b_c.d"));
        }
    }
}
