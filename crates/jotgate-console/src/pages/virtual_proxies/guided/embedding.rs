//! The page of a portal that shows the backend in a frame.

/// A page for the portal's server, which answers `/token` with a token for whoever is signed in there.
/// `address` is the virtual proxy's, with the slash at its end; it holds nothing but what an address may.
pub(super) fn page(address: &str) -> String {
    let origin = address.splitn(4, '/').take(3).collect::<Vec<_>>().join("/");
    format!(
        r#"<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Portal</title>
<iframe id="analytics" title="Analytics" width="1000" height="700"></iframe>
<script type="module">
  // Your server answers /token with a token for whoever is signed in there.
  async function signIn() {{
    const token = await (await fetch("/token")).text();
    const answer = await fetch("{address}qps/csrftoken", {{
      headers: {{ Authorization: `Bearer ${{token}}` }},
      credentials: "include",
    }});
    if (!answer.ok) throw new Error(`The gateway answered with ${{answer.status}}.`);
  }}
  const show = () => (document.getElementById("analytics").src = "{address}");
  // The frame says when its session is over.
  addEventListener("message", async ({{ origin, data }}) => {{
    if (origin !== "{origin}" || data?.type !== "jotgate:sign-in-required") return;
    await signIn();
    show();
  }});
  await signIn();
  show();
</script>
</html>
"#
    )
}
