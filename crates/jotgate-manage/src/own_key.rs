//! Tokens that the gateway signs with its own key, for virtual proxies whose certificate is that key's.
//!
//! Whoever has such a token is the user whom it names. So only RootAdmin gets one, it is in the audit trail before it
//! is given out, and none lives longer than [`MAX_MINTED_LIFETIME`]. No interface for programs has it.

use jotgate_keys::KeyOrigin;
use jotgate_model::entity::{AuthenticationMethod, VirtualProxyConfig};
use jotgate_model::{Algorithm, FieldErrors, Timestamp, Uuid};
use jotgate_repository::AuditEntry;
use jotgate_token::{KeySet, SigningKey};
use serde_json::{Map, Value};

use crate::audit::{entry, subject};
use crate::authority::check_root;
use crate::{Actor, ManageError, Management};

/// Seconds that a token of the gateway's own key lives at most.
pub const MAX_MINTED_LIFETIME: u32 = 300;
/// Bytes of further claims, as JSON.
const MAX_CLAIMS: usize = 8 * 1024;
/// Characters of a user id, and of a directory.
const MAX_NAME: usize = 255;
/// Claims that nobody else gives.
const RESERVED: [&str; 4] = ["exp", "iat", "jti", "nbf"];
/// What the trail calls it.
const MINT: &str = "token.mint";

/// A key of the gateway's own. The private half leaves it in no form.
pub struct OwnKey {
    key: SigningKey,
    fingerprint: String,
}

impl OwnKey {
    /// From a certificate and its private key, both as PEM.
    ///
    /// # Errors
    /// A sentence about what cannot be read.
    pub fn from_pem(certificate: &str, private_key: &str) -> Result<Self, String> {
        let set = KeySet::from_pem(certificate).map_err(|error| error.to_string())?;
        let first = set.keys().first().ok_or("there is no certificate")?;
        Ok(Self {
            key: SigningKey::from_pem(private_key).map_err(|error| error.to_string())?,
            fingerprint: first.fingerprint().to_owned(),
        })
    }

    /// An algorithm with which the virtual proxy takes tokens of this key.
    fn algorithm_at(&self, vp: &VirtualProxyConfig) -> Result<Algorithm, ManageError> {
        let refused = |problem: &str| Err(ManageError::field("virtualProxy", problem));
        let set = match vp.authentication_method {
            AuthenticationMethod::JWT => KeySet::from_pem(&vp.jwt_public_key_certificate).ok(),
            _ => None,
        };
        let keys = set.iter().flat_map(|set| set.keys());
        let Some(key) = keys
            .into_iter()
            .find(|key| key.fingerprint() == self.fingerprint)
        else {
            return refused("does not check tokens with the gateway's own certificate");
        };
        let names = vp.jwt_algorithms.iter();
        let mut allowed = names.filter_map(|name| Algorithm::from_name(name));
        match allowed.find(|algorithm| key.fits(*algorithm)) {
            Some(algorithm) => Ok(algorithm),
            None => refused("allows no algorithm of the gateway's own key"),
        }
    }
}

/// What a token is to say.
#[derive(Clone, Debug, Default)]
pub struct TokenWish {
    /// Where it is to be accepted.
    pub virtual_proxy: Uuid,
    /// Of the user.
    pub user_id: String,
    /// Of the user; empty where the virtual proxy has a fixed one.
    pub user_directory: String,
    /// Seconds, 1 to [`MAX_MINTED_LIFETIME`].
    pub lifetime: u32,
    /// What else it says. `iss` and `aud` are those of the virtual proxy unless they are here.
    pub claims: Map<String, Value>,
}

impl TokenWish {
    /// The claims, with id and times.
    fn claims_at(
        &self,
        vp: &VirtualProxyConfig,
        jti: &str,
        now: Timestamp,
    ) -> Result<Map<String, Value>, ManageError> {
        let (id, directory) = (&vp.jwt_attribute_user_id, &vp.jwt_attribute_user_directory);
        let is_fixed = directory.starts_with('[');
        let mut errors = FieldErrors::default();
        let is_name = |text: &str| {
            !text.trim().is_empty()
                && text.chars().count() <= MAX_NAME
                && !text.contains(char::is_control)
        };
        if !is_name(&self.user_id) {
            errors.push("userId", format!("must have 1 to {MAX_NAME} characters"));
        }
        if is_fixed && !self.user_directory.is_empty() {
            let problem = format!("is {directory} at this virtual proxy; leave it empty");
            errors.push("userDirectory", problem);
        } else if !is_fixed && !is_name(&self.user_directory) {
            let problem = format!("must have 1 to {MAX_NAME} characters");
            errors.push("userDirectory", problem);
        }
        if !(1..=MAX_MINTED_LIFETIME).contains(&self.lifetime) {
            let problem = format!("must be 1 to {MAX_MINTED_LIFETIME} seconds");
            errors.push("lifetime", problem);
        }
        for name in self.claims.keys() {
            if RESERVED.contains(&&**name) || name == id || name == directory {
                let name: String = name.chars().take(40).collect();
                let problem = format!("must not have {name}, which is filled in");
                errors.push("claims", problem);
            }
        }
        if Value::Object(self.claims.clone()).to_string().len() > MAX_CLAIMS {
            errors.push("claims", format!("must have at most {MAX_CLAIMS} bytes"));
        }
        if !errors.is_empty() {
            return Err(errors.into());
        }
        let seconds = now.as_millis().div_euclid(1000);
        let mut claims = self.claims.clone();
        for (name, value) in [("iss", &vp.jwt_issuer), ("aud", &vp.jwt_audience)] {
            if !value.is_empty() && !claims.contains_key(name) {
                claims.insert(name.to_owned(), value.as_str().into());
            }
        }
        claims.insert(id.clone(), self.user_id.as_str().into());
        if !is_fixed {
            claims.insert(directory.clone(), self.user_directory.as_str().into());
        }
        claims.insert("jti".to_owned(), jti.into());
        claims.insert("iat".to_owned(), seconds.into());
        let expires = seconds.saturating_add(self.lifetime.into());
        claims.insert("exp".to_owned(), expires.into());
        Ok(claims)
    }
}

impl Management {
    /// Lets RootAdmins make tokens with this key. To be called once; until then there is none.
    pub fn use_own_key(&self, key: OwnKey) {
        if self.inner.own_key.set(key).is_err() {
            tracing::error!("the gateway's own key is known already");
        }
    }

    /// The virtual proxies that check tokens with the gateway's own certificate.
    #[must_use]
    pub fn places_of_own_key(&self) -> Vec<Uuid> {
        let Some(own) = self.inner.own_key.get() else {
            return Vec::new();
        };
        let sources = self.key_sources().into_iter();
        let has = |fingerprint: &str| fingerprint == own.fingerprint;
        let trusting = sources.filter(|source| {
            source.origin == KeyOrigin::Pem && source.keys.iter().any(|key| has(&key.fingerprint))
        });
        trusting.flat_map(|source| source.virtual_proxies).collect()
    }

    /// Signs a token with the gateway's own key. The audit trail has it (who, for whom, where, its `jti`, not
    /// the token) before it is given out.
    ///
    /// # Errors
    /// [`ManageError::Forbidden`] without the role RootAdmin; [`ManageError::NoVirtualProxy`];
    /// [`ManageError::Invalid`] with every field at fault, and when the virtual proxy does not trust the key;
    /// [`ManageError::Unavailable`] without a key, or when the trail cannot be written.
    pub async fn mint_token(
        &self,
        actor: &Actor,
        wish: &TokenWish,
        now: Timestamp,
    ) -> Result<String, ManageError> {
        let snapshot = self.snapshot();
        let vp = snapshot.documents.virtual_proxies.get(&wish.virtual_proxy);
        let name = vp.map_or("", |vp| &vp.description);
        let attempt = || {
            let place = subject("VirtualProxyConfig", wish.virtual_proxy, name);
            entry(actor.for_audit(), MINT, place, now)
        };
        let checked = check_root(actor, || {
            "To make a token with the gateway's own key takes the role RootAdmin: whoever has one is \
             the user whom it names."
                .to_owned()
        });
        self.inner.audit_refusal(checked, attempt)?;
        let missing = || ManageError::Unavailable("the gateway has no key of its own".to_owned());
        let own = self.inner.own_key.get().ok_or_else(missing)?;
        let vp = vp.ok_or_else(|| ManageError::NoVirtualProxy(wish.virtual_proxy.to_string()))?;
        let algorithm = own.algorithm_at(vp)?;
        let jti = Uuid::new_v4().to_string();
        let claims = wish.claims_at(vp, &jti, now)?;
        let signed = own.key.sign(algorithm, None, &claims);
        let token = signed.map_err(|error| ManageError::Unavailable(error.to_string()))?;
        let mut told = Map::new();
        let user = format!("{}\\{}", wish.user_directory, wish.user_id);
        told.insert("user".to_owned(), user.into());
        told.insert("jti".to_owned(), jti.into());
        told.insert("lifetime".to_owned(), wish.lifetime.into());
        let entry = AuditEntry {
            after: Some(told),
            ..attempt()
        };
        self.inner.repository.append_audit(&[entry]).await?;
        Ok(token)
    }
}

#[cfg(test)]
mod tests;
