//! Passwords: which are good enough, and how they are kept.
//!
//! argon2id with the parameters of the OWASP Password Storage Cheat Sheet (19 MiB, two passes, one
//! lane). A check costs tens of milliseconds and as many mebibytes, so few run at a time, and on
//! threads that have nothing else to do.

use std::sync::LazyLock;

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

use super::LocalError;

/// Checks that run at a time, and those that wait for them.
const AT_A_TIME: usize = 2;
const WAITING: usize = 16;

/// Characters that a password has at least, and bytes that it has at most.
const SHORTEST: usize = 12;
const LONGEST: usize = 1024;

/// What people write when twelve characters are asked for, in lower case.
const COMMON: [&str; 24] = [
    "000000000000",
    "1234567890123",
    "123456789012",
    "123456789abc",
    "1q2w3e4r5t6y",
    "aaaaaaaaaaaa",
    "abcdefghijkl",
    "administrator",
    "adminadminadmin",
    "changemechangeme",
    "iloveyouiloveyou",
    "letmeinletmein",
    "password1234",
    "password12345",
    "password123456",
    "passwordpassword",
    "p@ssw0rd1234",
    "qlikqlikqlik",
    "qwertyuiop12",
    "qwertyuiop[]",
    "qwertyqwerty",
    "qwertyuiopas",
    "welcome12345",
    "welcomewelcome",
];

/// What an account that does not exist is checked against, so that it takes as long as one that does.
static NOBODY: LazyLock<Option<String>> = LazyLock::new(|| hash_now("nobody has this password"));

/// Checks and hashes, a few at a time.
pub(super) struct Passwords {
    running: Semaphore,
    admitted: Semaphore,
}

impl Default for Passwords {
    fn default() -> Self {
        Self {
            running: Semaphore::new(AT_A_TIME),
            admitted: Semaphore::new(AT_A_TIME + WAITING),
        }
    }
}

impl Passwords {
    /// The hash of a new password.
    pub(super) async fn hash(&self, password: &str) -> Result<String, LocalError> {
        let password = password.to_owned();
        let hash = self.run(move || hash_now(&password)).await?;
        hash.ok_or(LocalError::Unavailable)
    }

    /// Whether it is the password of that hash. Without a hash it is not, which takes as long to say.
    pub(super) async fn verify(
        &self,
        password: &str,
        hash: Option<String>,
    ) -> Result<bool, LocalError> {
        if password.len() > LONGEST {
            return Ok(false);
        }
        let password = password.to_owned();
        self.run(move || {
            // Whether or not it is needed: the first time, it takes a while.
            let nobody = NOBODY.clone();
            let known = hash.is_some();
            let hash = hash.or(nobody).unwrap_or_default();
            verify_now(&password, &hash) && known
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LocalError> {
        let _admitted = self.admitted.try_acquire().map_err(|_| LocalError::Busy)?;
        let _running = self.running.acquire().await.map_err(|_| LocalError::Busy)?;
        spawn_blocking(work)
            .await
            .map_err(|_| LocalError::Unavailable)
    }
}

/// Whether a password is good enough for that user.
///
/// # Errors
/// The sentence that says what to change.
pub(super) fn check(password: &str, user_id: &str) -> Result<(), String> {
    let length = password.chars().count();
    if length < SHORTEST {
        return Err(format!(
            "The password has {length} characters; use at least {SHORTEST}."
        ));
    }
    if password.len() > LONGEST {
        return Err(format!("The password is longer than {LONGEST} bytes."));
    }
    let lower = password.to_lowercase();
    let mut characters = lower.chars();
    let first = characters.next();
    let repeated = characters.all(|character| Some(character) == first);
    if repeated || COMMON.contains(&&*lower) {
        return Err("The password is one that everybody tries first; use another.".to_owned());
    }
    let rest = lower.replace(&user_id.to_lowercase(), "");
    if rest.chars().count() < SHORTEST / 2 {
        return Err("The password is little more than the name; use another.".to_owned());
    }
    Ok(())
}

fn argon2() -> Argon2<'static> {
    // The default of the library is the recommendation named above.
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

fn hash_now(password: &str) -> Option<String> {
    let salt = uuid::Uuid::new_v4();
    let salt = SaltString::encode_b64(salt.as_bytes()).ok()?;
    let hash = argon2().hash_password(password.as_bytes(), &salt).ok()?;
    Some(hash.to_string())
}

fn verify_now(password: &str, hash: &str) -> bool {
    PasswordHash::new(hash)
        .is_ok_and(|hash| argon2().verify_password(password.as_bytes(), &hash).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parameters_are_those_that_are_recommended() {
        let hash = hash_now("correct horse battery").unwrap();
        assert!(
            hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{hash}"
        );
        assert_ne!(hash, hash_now("correct horse battery").unwrap());
        assert!(verify_now("correct horse battery", &hash));
        assert!(!verify_now("correct horse batterz", &hash));
        assert!(!verify_now("correct horse battery", "no hash"));
    }

    #[test]
    fn short_common_and_repeated_passwords_are_refused() {
        for bad in [
            "",
            "short",
            "elevenchars",
            "PasswordPassword",
            "password1234",
            "zzzzzzzzzzzzzz",
            "administrator",
            "anna.smithanna.smith",
            "Anna.Smith2026",
        ] {
            assert!(check(bad, "anna.smith").is_err(), "{bad}");
        }
        assert!(check(&"ab".repeat(600), "x").is_err());
        for good in ["correct horse battery", "zwölf Zeichen", "k7#pQ9!vLm2&"] {
            assert_eq!(check(good, "anna.smith"), Ok(()));
        }
    }

    #[tokio::test]
    async fn few_wait_and_the_others_are_told() {
        let passwords = std::sync::Arc::new(Passwords::default());
        let hash = passwords.hash("correct horse battery").await.unwrap();
        let check = |_| {
            let (passwords, hash) = (passwords.clone(), hash.clone());
            tokio::spawn(async move { passwords.verify("x", Some(hash)).await })
        };
        let checks: Vec<_> = (0..40).map(check).collect();
        let mut told = [0, 0];
        for check in checks {
            match check.await.unwrap() {
                Ok(false) => told[0] += 1,
                Err(LocalError::Busy) => told[1] += 1,
                other => panic!("{other:?}"),
            }
        }
        assert_eq!(told, [18, 22]);
    }
}
