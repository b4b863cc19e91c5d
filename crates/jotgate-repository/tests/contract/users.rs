use jotgate_model::{Identity, Role, User, UserKey};
use jotgate_repository::{NotedSignIn, StoredUser, UserNarrowing, UserOrder};

use crate::support::{Place, at, entry};

fn sign_in(id: &str, group: &str, seconds: i64) -> NotedSignIn {
    NotedSignIn {
        identity: Identity {
            user: User::new("EXAMPLE", id),
            attributes: vec![("Group".into(), group.into())],
        },
        at: at(seconds),
    }
}

pub(crate) async fn the_first_sign_in_makes_a_user_and_later_ones_keep_the_newest_attributes(
    place: Place,
) {
    let repository = place.open().await;
    let first = [sign_in("Boz", "sales", 1), sign_in("anna", "hr", 1)];
    repository.note_sign_ins(&first).await.unwrap();
    let key = UserKey::of("example", "BOZ");
    let boz = repository.user_of_name(&key).await.unwrap().unwrap();
    assert_eq!((&*boz.user.id, boz.name.as_str()), ("Boz", "Boz"));
    assert_eq!(boz.attributes, [("Group".into(), "sales".into())]);

    let changed = StoredUser {
        name: "Bo Z.".to_owned(),
        blocked: true,
        roles: [Role::AuditAdmin].into_iter().collect(),
        modified: at(2),
        modified_by: "LAB\\root".to_owned(),
        ..boz.clone()
    };
    assert!(
        repository
            .put_user(Some(&boz), &changed, entry(1))
            .await
            .unwrap()
    );
    // Whoever read before that, or knows of no such user, changes nothing.
    let outdated = StoredUser {
        name: "Boz".to_owned(),
        modified: at(3),
        ..boz.clone()
    };
    for before in [Some(&boz), None] {
        let put = repository.put_user(before, &outdated, entry(1)).await;
        assert_eq!(put, Ok(false), "{before:?}");
        let put = repository.put_user_with_password(before, &outdated, "h", at(3), entry(1));
        assert_eq!(put.await, Ok(false), "{before:?}");
    }
    assert_eq!(repository.password_hash(&key).await, Ok(None));
    let again = [sign_in("BOZ", "finance", 3)];
    repository.note_sign_ins(&again).await.unwrap();
    let expected = StoredUser {
        attributes: vec![("Group".into(), "finance".into())],
        last_seen: Some(at(3)),
        ..changed
    };
    assert_eq!(
        repository.user(boz.id).await.unwrap(),
        Some(expected.clone())
    );
    assert_eq!(repository.users_with_standing().await.unwrap(), [expected]);
    assert_eq!(repository.count_users().await.unwrap(), 2);

    assert!(repository.delete_user(boz.id, entry(1)).await.unwrap());
    assert!(!repository.delete_user(boz.id, entry(1)).await.unwrap());
    assert_eq!(repository.user(boz.id).await.unwrap(), None);
}

pub(crate) async fn pages_hold_everybody_once_in_order(place: Place) {
    let repository = place.open().await;
    let many: Vec<_> = (0..250)
        .map(|number| sign_in(&format!("u{number:03}"), "g", number))
        .collect();
    repository.note_sign_ins(&many).await.unwrap();
    let mut walked = Vec::new();
    let mut after = None;
    loop {
        let page = repository
            .users_after(after.as_ref(), 100, &UserNarrowing::default())
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = Some(last.user.key());
        walked.extend(page);
    }
    let ids: Vec<_> = walked.iter().map(|user| user.user.id.to_string()).collect();
    assert_eq!(ids.len(), 250);
    assert!(ids.is_sorted());
    assert_eq!(repository.users(200, 20).await.unwrap(), walked[200..220]);
    walked.reverse();
    for order in [UserOrder::Directory, UserOrder::UserId, UserOrder::Name] {
        let page = repository.ordered_users(order, true, 30, 20).await;
        assert_eq!(page.unwrap(), walked[30..50]);
    }
}

pub(crate) async fn pages_are_in_the_order_that_is_asked_for(place: Place) {
    let repository = place.open().await;
    for (directory, id, name) in [
        ("b", "Anna", "x"),
        ("a", "cem", "Y"),
        ("A", "Boz", "\u{e9}"),
    ] {
        let name = name.to_owned();
        let new = StoredUser::new(User::new(directory, id), "", at(1));
        let user = StoredUser { name, ..new };
        assert!(repository.put_user(None, &user, entry(1)).await.unwrap());
    }
    for (order, expected) in [
        (UserOrder::Directory, ["Boz", "cem", "Anna"]),
        (UserOrder::UserId, ["Anna", "Boz", "cem"]),
        (UserOrder::Name, ["Anna", "cem", "Boz"]),
    ] {
        let mut ids = Vec::new();
        for offset in 0..3 {
            let page = repository.ordered_users(order, false, offset, 1).await;
            ids.extend(page.unwrap().iter().map(|user| user.user.id.to_string()));
        }
        assert_eq!(ids, expected, "{order:?}");
    }
}

pub(crate) async fn users_are_found_by_their_names_in_any_case(place: Place) {
    let repository = place.open().await;
    let kelvin = "Mar\u{212a}";
    let all = ["Boz", "boris", kelvin, "mark"].map(|id| sign_in(id, "a", 1));
    repository.note_sign_ins(&all).await.unwrap();
    let found = async |narrowing: UserNarrowing| {
        let page = repository.users_after(None, 10, &narrowing).await.unwrap();
        page.iter()
            .map(|user| user.user.id.to_string())
            .collect::<Vec<_>>()
    };
    let text = |text: &str| Some(text.to_owned());
    let by_user_id = |id: &str| UserNarrowing {
        directory: text("example"),
        user_id: text(id),
        ..UserNarrowing::default()
    };
    assert_eq!(found(by_user_id("bOZ")).await, ["Boz"]);
    assert_eq!(found(by_user_id("mark")).await, ["mark", kelvin]);
    let elsewhere = UserNarrowing {
        directory: text("other"),
        ..UserNarrowing::default()
    };
    assert!(found(elsewhere).await.is_empty());
    let id = repository.users(0, 1).await.unwrap()[0].id.to_string();
    let by_id = UserNarrowing {
        id: text(&id),
        name: text("BORIS"),
        ..UserNarrowing::default()
    };
    assert_eq!(found(by_id).await, ["boris"]);
}

/// As Rust, SQLite and the keys of users compare them, whatever the language of the database is.
/// A form or a filter may hold a NUL; the database is there all the same.
pub(crate) async fn a_name_that_no_text_can_hold_is_nobody_s(place: Place) {
    let repository = place.open().await;
    let notes = [sign_in("boz", "sales\0hr", 1), sign_in("ann", "hr", 1)];
    repository.note_sign_ins(&notes).await.unwrap();
    assert_eq!(repository.count_users().await.unwrap(), 2);
    let key = UserKey::of("EXAMPLE", "boz\0");
    assert_eq!(repository.user_of_name(&key).await.unwrap(), None);
    let narrowing = UserNarrowing {
        name: Some("boz\0".to_owned()),
        ..UserNarrowing::default()
    };
    let found = repository.users_after(None, 10, &narrowing).await.unwrap();
    assert_eq!(found, []);
}

pub(crate) async fn users_are_ordered_by_bytes(place: Place) {
    let repository = place.open().await;
    let all = ["_a", "a b", "aa", "ab", "z", "ä", "é", "-b"].map(|id| sign_in(id, "g", 1));
    repository.note_sign_ins(&all).await.unwrap();
    let users = repository.users(0, 99).await.unwrap();
    let keys: Vec<UserKey> = users.iter().map(|user| user.user.key()).collect();
    assert!(keys.len() == 8 && keys.is_sorted(), "{keys:?}");
    let everybody = UserNarrowing::default();
    let page = repository.users_after(Some(&keys[3]), 99, &everybody).await;
    assert_eq!(page.unwrap(), users[4..]);
}

pub(crate) async fn two_nodes_note_the_same_users_at_once(place: Place) {
    let (one, other) = (place.open().await, place.open().await);
    for round in 0..20 {
        let mut sign_ins: Vec<_> = (0..50)
            .map(|number| sign_in(&format!("u{number}"), "g", round))
            .collect();
        let forwards = sign_ins.clone();
        sign_ins.reverse();
        let (first, second) =
            tokio::join!(one.note_sign_ins(&forwards), other.note_sign_ins(&sign_ins));
        assert_eq!((first, second), (Ok(()), Ok(())));
    }
    assert_eq!(one.count_users().await, Ok(50));
}
