//! Noting who signs in, without making anybody wait.

use jotgate_model::{Attributes, Identity, Timestamp};
use jotgate_repository::{NotedSignIn, Repository};
use tokio::sync::mpsc;

use crate::Management;

/// How many sign-ins may wait to be written.
const QUEUE: usize = 4096;
/// How many are written in one transaction.
const BATCH: usize = 256;
/// How much of a user's attributes is kept, in bytes. Requests are judged by those of the session.
const MAX_ATTRIBUTE_BYTES: usize = 4096;

/// Where sign-ins are handed in. A copy leads to the same place.
#[derive(Clone, Debug)]
pub struct SignInNotes(mpsc::Sender<NotedSignIn>);

impl SignInNotes {
    /// Hands a sign-in in to be noted soon. `false`: too many wait, and it is dropped; the user's next
    /// one is noted.
    #[must_use]
    pub fn note(&self, identity: &Identity, at: Timestamp) -> bool {
        let identity = Identity {
            user: identity.user.clone(),
            attributes: first(&identity.attributes),
        };
        self.0.try_send(NotedSignIn { identity, at }).is_ok()
    }
}

impl Management {
    /// Begins to note sign-ins, in a task of its own that ends with the last copy of what is given
    /// back.
    #[must_use]
    pub fn note_sign_ins(&self) -> SignInNotes {
        let (sender, receiver) = mpsc::channel(QUEUE);
        tokio::spawn(write(self.inner.repository.clone(), receiver));
        SignInNotes(sender)
    }
}

async fn write(repository: Repository, mut receiver: mpsc::Receiver<NotedSignIn>) {
    let mut batch = Vec::with_capacity(BATCH);
    let mut failing = false;
    while receiver.recv_many(&mut batch, BATCH).await > 0 {
        match repository.note_sign_ins(&batch).await {
            Ok(()) => failing = false,
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "users who signed in could not be noted");
                }
                failing = true;
            }
        }
        batch.clear();
    }
}

/// The attributes that fit.
fn first(attributes: &Attributes) -> Attributes {
    let mut left = MAX_ATTRIBUTE_BYTES;
    let fitting = attributes.iter().take_while(|(name, value)| {
        let room = left.checked_sub(name.len() + value.len());
        left = room.unwrap_or_default();
        room.is_some()
    });
    fitting.cloned().collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use jotgate_model::User;

    use super::*;
    use crate::testing::{at, site};

    #[tokio::test]
    async fn whoever_signs_in_is_a_user_soon() {
        let site = site().await;
        let notes = site.management.note_sign_ins();
        let user = User::new("EXAMPLE", "boz");
        let long = ("Group".into(), "x".repeat(5000).into());
        let identity = Identity {
            user: user.clone(),
            attributes: vec![("Group".into(), "sales".into()), long],
        };
        assert!(notes.note(&identity, at(7)));
        let noted = async {
            loop {
                if let Some(user) = site.management.user_of_name(&user).await.unwrap() {
                    return user;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let noted = tokio::time::timeout(Duration::from_secs(20), noted)
            .await
            .unwrap();
        assert_eq!(noted.last_seen, Some(at(7)));
        assert_eq!(noted.attributes, [("Group".into(), "sales".into())]);
    }
}
