use proptest::prelude::*;

use super::*;
use crate::SessionSecret;

fn session<'a>(parts: impl FnOnce(&mut Parts<'a>)) -> Session {
    let mut all = Parts {
        key: SessionSecret::generate().key(),
        public_id: Uuid::from_u128(7),
        named: false,
        shared: false,
        origin: Arc::new(Origin {
            virtual_proxy: Uuid::from_u128(1),
            directory: "example".into(),
            key_fingerprint: None,
            attribute_names: PackedText::default(),
        }),
        user_agent: Arc::new("curl".into()),
        user_id: "boz",
        attributes: &[],
        client_address: "::1",
        created: UnixTime(1_000_000),
        expires: None,
        token_issued: None,
    };
    parts(&mut all);
    Session::pending(&all)
}

/// What a million of them cost is shown by the example `session-memory`.
#[test]
fn a_session_has_a_small_body() {
    assert_eq!(size_of::<Session>(), 96);
}

#[test]
fn last_activity_moves_forward_only() {
    let session = session(|_| ());
    assert_eq!(session.last_activity(), UnixTime(1_000_000));
    session.touch(UnixTime(1_000_010));
    session.touch(UnixTime(1_000_005));
    session.touch(UnixTime(i64::MIN));
    assert_eq!(session.last_activity(), UnixTime(1_000_010));
    session.touch(UnixTime(i64::MAX));
    assert_eq!(
        session.last_activity(),
        UnixTime(1_000_000 + i64::from(u32::MAX))
    );
}

#[test]
fn a_touch_marks_it_once_for_the_journal() {
    let session = session(|_| ());
    assert!(!session.take_dirty());
    session.touch(UnixTime(1_000_000));
    assert!(!session.take_dirty(), "nothing moved");
    session.touch(UnixTime(1_000_001));
    assert!(session.take_dirty());
    assert!(!session.take_dirty());
}

#[test]
fn fixed_ends_are_kept_exactly_where_it_matters() {
    let expires = |time: i64| session(|p| p.expires = Some(UnixTime(time))).expires();
    assert_eq!(expires(1_000_900), Some(UnixTime(1_000_900)));
    assert_eq!(expires(4_000_000_000), Some(UnixTime(4_000_000_000)));
    assert_eq!(
        expires(999_990),
        Some(UnixTime(1_000_000)),
        "over from the beginning"
    );
    assert_eq!(expires(i64::MIN), Some(UnixTime(1_000_000)));
    assert_eq!(expires(i64::MAX), None);
    assert_eq!(session(|_| ()).expires(), None);
}

#[test]
fn the_issue_of_the_token_may_lie_before_or_after() {
    let issued = |time: i64| session(|p| p.token_issued = Some(UnixTime(time))).token_issued();
    assert_eq!(issued(999_000), Some(UnixTime(999_000)));
    assert_eq!(issued(1_000_030), Some(UnixTime(1_000_030)));
    assert_eq!(issued(0), Some(UnixTime(0)));
    assert_eq!(
        issued(i64::MIN),
        Some(UnixTime(1_000_000 - i64::from(i32::MAX)))
    );
    assert_eq!(session(|_| ()).token_issued(), None);
}

#[test]
fn it_ends_once() {
    let session = session(|_| ());
    assert!(!session.is_live() && session.ended().is_none());
    assert!(session.publish() && session.is_live());
    assert!(session.finish(EndReason::LoggedOut));
    assert!(!session.finish(EndReason::TimedOut));
    assert_eq!(session.ended(), Some(EndReason::LoggedOut));
    assert!(
        !session.publish() && !session.is_live(),
        "an ended one never comes back"
    );
}

#[test]
fn debug_shows_no_user_and_no_attribute() {
    let attributes = [("email".into(), "boz@example.com".into())];
    let text = format!("{:?}", session(|p| p.attributes = &attributes));
    assert!(
        text.contains("00000000-0000-0000-0000-000000000007"),
        "{text}"
    );
    assert!(
        !text.contains("boz") && !text.contains("curl") && !text.contains("::1"),
        "{text}"
    );
}

proptest! {
    #[test]
    fn any_identity_comes_back(
        directory in any::<String>(),
        id in any::<String>(),
        attributes in prop::collection::vec((any::<String>(), any::<String>()), 0..8),
        address in any::<String>(),
    ) {
        let attributes: Vec<(Box<str>, Box<str>)> = attributes
            .into_iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect();
        let names = PackedText::pack(attributes.iter().map(|(name, _)| &**name));
        let session = session(|p| {
            p.user_id = &id;
            p.attributes = &attributes;
            p.client_address = &address;
            p.origin = Arc::new(Origin {
                virtual_proxy: Uuid::from_u128(1),
                directory: directory.as_str().into(),
                key_fingerprint: Some([3; 32]),
                attribute_names: names,
            });
        });
        prop_assert_eq!(session.user(), User::new(directory.as_str(), id.as_str()));
        prop_assert!(session.is_of(&User::new(directory.as_str(), id.as_str())));
        prop_assert_eq!(session.client_address(), &address);
        let expected = attributes.iter().map(|(name, value)| (&**name, &**value));
        prop_assert!(session.attributes().eq(expected));
    }
}
