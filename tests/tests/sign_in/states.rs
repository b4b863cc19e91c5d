//! A state is good once, in one browser, at one virtual proxy.

use jotgate_scenarios::{Cookie, Keys};

use super::{Attempt, Site, assert_refused};

#[tokio::test]
async fn a_state_counts_once() {
    let site = Site::new().await;
    let attempt = site.begin().await;
    assert_eq!(site.complete(&attempt, "/jwt/hub/").await.status, 303);
    assert_refused(
        &site.complete(&attempt, "/jwt/hub/").await,
        "the second time",
    );
}

#[tokio::test]
async fn a_state_is_good_in_the_browser_that_began_only() {
    let site = Site::new().await;
    let (victim, attacker) = (site.begin().await, site.begin().await);
    let planted = Attempt {
        state: attacker.state.clone(),
        cookie: under_every_name(&victim.cookie),
        return_to: String::new(),
    };
    assert_refused(
        &site.complete(&planted, "/jwt/hub/").await,
        "another browser's state",
    );
    let none = Attempt {
        cookie: Cookie::new("other", "x"),
        state: victim.state.clone(),
        return_to: String::new(),
    };
    assert_refused(&site.complete(&none, "/jwt/hub/").await, "no cookie");
    let empty = Attempt {
        cookie: victim.cookie.clone(),
        state: String::new(),
        return_to: String::new(),
    };
    assert_refused(&site.complete(&empty, "/jwt/hub/").await, "no state");
    let mut bytes = base64_simd::URL_SAFE_NO_PAD
        .decode_to_vec(&victim.state)
        .expect("base64url");
    for at in [0, 7, 8, bytes.len() - 1] {
        bytes[at] ^= 1;
        let state = base64_simd::URL_SAFE_NO_PAD.encode_to_string(&bytes);
        let forged = Attempt {
            cookie: under_every_name(&victim.cookie),
            state,
            return_to: String::new(),
        };
        assert_refused(
            &site.complete(&forged, "/jwt/hub/").await,
            "a state that was changed",
        );
        bytes[at] ^= 1;
    }
    assert_eq!(
        site.complete(&victim, "/jwt/hub/").await.status,
        303,
        "the victim's own is still good"
    );
}

#[tokio::test]
async fn a_state_of_one_virtual_proxy_is_none_of_another() {
    let site = Site::new().await;
    let attempt = site.begin().await;
    let token = Keys::first().token().sign();
    let renamed = Attempt {
        cookie: Cookie::new(
            &attempt.cookie.name.replace("jwt", "other"),
            &attempt.cookie.value,
        ),
        state: attempt.state.clone(),
        return_to: String::new(),
    };
    assert_refused(
        &site
            .complete_at("/other/jotgate/sign-in", &renamed, &token, "/other/")
            .await,
        "elsewhere",
    );
    assert_eq!(site.complete(&attempt, "/jwt/hub/").await.status, 303);
}

#[tokio::test]
async fn an_open_sign_in_survives_a_restart_and_a_used_state_stays_used() {
    let mut site = Site::new().await;
    let (used, open) = (site.begin().await, site.begin().await);
    assert_eq!(site.complete(&used, "/jwt/hub/").await.status, 303);
    site.gateway = site.gateway.restart().await;
    assert_refused(
        &site.complete(&used, "/jwt/hub/").await,
        "used before the restart",
    );
    assert_eq!(site.complete(&open, "/jwt/hub/").await.status, 303);
}

/// Several sign-ins may be open in one browser, each with a cookie whose name ends with a number.
fn under_every_name(cookie: &Cookie) -> Cookie {
    let name = cookie.name.trim_end_matches(|c: char| c.is_ascii_digit());
    let all: Vec<String> = (0..32)
        .map(|number| format!("{name}{number}={}", cookie.value))
        .collect();
    Cookie::new(&format!("{}; last", all.join("; ")), "x")
}
