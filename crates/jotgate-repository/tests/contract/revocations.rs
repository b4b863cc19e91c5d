use jotgate_model::{Timestamp, UnixTime, User};
use jotgate_repository::{Revocation, Revoked};
use uuid::Uuid;

use crate::support::{Place, entry};

const NOW: UnixTime = UnixTime(1000);

fn revocation(number: u128, subject: Revoked, until: Option<i64>) -> Revocation {
    Revocation {
        id: Uuid::from_u128(number),
        subject,
        until: until.map(UnixTime),
        at: Timestamp::from_millis(i64::try_from(number).unwrap()),
        author: "LAB\\root".to_owned(),
        note: "lost laptop".to_owned(),
    }
}

fn all() -> [Revocation; 3] {
    let token = Revoked::Token { hash: [0xa5; 32] };
    let id = Revoked::TokenId {
        virtual_proxy: Uuid::from_u128(7),
        jti: "ü'\"\n".to_owned(),
    };
    let user = Revoked::UserTokens {
        user: User::new("example", "boz"),
        issued_before: UnixTime(900),
    };
    [
        revocation(1, token, Some(2000)),
        revocation(2, id, Some(1500)),
        revocation(3, user, None),
    ]
}

pub(crate) async fn revocations_are_kept_until_they_are_over(place: Place) {
    let repository = place.open().await;
    for revocation in all() {
        assert!(
            repository
                .add_revocation(&revocation, 9, NOW, entry(1))
                .await
                .unwrap()
        );
    }
    repository.close().await;
    let repository = place.open().await;
    assert_eq!(repository.revocations(NOW).await.unwrap(), all());
    let ids = async |now| {
        let found = repository.revocations(UnixTime(now)).await.unwrap();
        found.iter().map(|r| r.id.as_u128()).collect::<Vec<_>>()
    };
    assert_eq!(ids(1499).await, [1, 2, 3]);
    assert_eq!(ids(1500).await, [1, 3]);
    assert_eq!(ids(i64::MAX).await, [3]);
}

pub(crate) async fn they_are_bounded_and_those_that_are_over_make_room(place: Place) {
    let repository = place.open().await;
    let [a, b, c] = all();
    assert!(
        repository
            .add_revocation(&a, 2, NOW, entry(1))
            .await
            .unwrap()
    );
    assert!(
        repository
            .add_revocation(&b, 2, NOW, entry(1))
            .await
            .unwrap()
    );
    assert!(
        !repository
            .add_revocation(&c, 2, UnixTime(1499), entry(1))
            .await
            .unwrap()
    );
    assert!(
        repository
            .add_revocation(&c, 2, UnixTime(1500), entry(1))
            .await
            .unwrap()
    );
    assert!(repository.remove_revocation(a.id, entry(1)).await.unwrap());
    assert!(!repository.remove_revocation(a.id, entry(1)).await.unwrap());
    assert_eq!(repository.revocations(NOW).await.unwrap(), [c]);
    // They are no part of the configuration.
    assert_eq!(repository.revision().await.unwrap(), 0);
}
