use std::sync::Arc;

use jotgate_keys::Revocations;
use jotgate_model::entity::{AttributeMapItem, BackendHeaderConfig};
use jotgate_model::{Algorithm, Reason};
use jotgate_token::SigningKey;
use serde_json::json;

use super::*;
use crate::KeyRing;
use crate::testing::{Site, at, auditor, draft, invalid, root, site};

struct Lab {
    site: Site,
    vp: Arc<VirtualProxyConfig>,
    keys: Arc<KeyRing>,
    key: SigningKey,
}

async fn lab() -> Lab {
    let site = site().await;
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let document = VirtualProxyConfig {
        jwt_public_key_certificate: pair.public_key_pem(),
        jwt_algorithms: vec!["ES256".to_owned()],
        jwt_attribute_map: vec![AttributeMapItem {
            jwt_attribute: "groups".to_owned(),
            sense_attribute: "Group".to_owned(),
            ..Default::default()
        }],
        private_claims: vec!["salary".to_owned()],
        backend_headers: vec![BackendHeaderConfig {
            name: "X-Who".to_owned(),
            value: "{userId}".to_owned(),
        }],
        ..draft("jwt")
    };
    let management = &site.management;
    let created = management.create_virtual_proxy(root(), document, at(1));
    let vp = created.await.unwrap();
    let keys = KeyRing::new(tokio::runtime::Handle::current(), |_| {});
    keys.prepare(&management.snapshot());
    let keys = Arc::new(keys);
    management.use_keys(keys.clone(), at(2)).await.unwrap();
    let key = SigningKey::from_pem(&pair.serialize_pem()).unwrap();
    Lab {
        site,
        vp,
        keys,
        key,
    }
}

impl Lab {
    fn token(&self, more: &Value) -> String {
        let mut claims = json!({
            "userId": "boz", "userDirectory": "LAB", "groups": ["sales", "a b"], "salary": 12345,
            "exp": at(600).as_millis() / 1000,
        });
        for (name, value) in more.as_object().unwrap() {
            claims[name] = value.clone();
        }
        let claims = claims.as_object().unwrap();
        self.key.sign(Algorithm::ES256, None, claims).unwrap()
    }

    fn saved(&self, token: &str) -> TokenTrial {
        let judge = TokenJudge::Saved(self.vp.metadata.id);
        let tried = self
            .site
            .management
            .try_token(auditor(), judge, token, "/app/42", at(3));
        tried.unwrap()
    }

    fn with(&self, edit: impl FnOnce(&mut VirtualProxyConfig)) -> Result<TokenTrial, ManageError> {
        let mut draft = VirtualProxyConfig::clone(&self.vp);
        edit(&mut draft);
        let judge = TokenJudge::Draft(Box::new(draft));
        let token = self.token(&json!({}));
        self.site
            .management
            .try_token(root(), judge, &token, "/", at(3))
    }
}

fn last(trial: &TokenTrial) -> &Step {
    let last = trial.steps.last().unwrap();
    assert_eq!(
        (last.name, trial.steps.len()),
        (StepName::Session, StepName::OF_TOKEN.len() + 1)
    );
    last
}

#[tokio::test]
async fn a_good_token_gives_its_user_and_the_headers_of_the_request_path() {
    let lab = lab().await;
    let trial = lab.saved(&lab.token(&json!({})));
    let identity = trial.result.clone().unwrap();
    assert_eq!(identity.user.to_string(), "LAB\\boz");
    assert_eq!(identity.attributes.len(), 2);
    assert_eq!(last(&trial).outcome, Outcome::Passed);
    assert!(!trial.is_linked);
    assert_eq!(
        trial.times.expires,
        Some(UnixTime(at(600).as_millis() / 1000))
    );
    let claims = trial.presented.unwrap().claims.unwrap();
    assert!(claims.contains("\"salary\":\"***\"") && !claims.contains("12345"));
    let header = |name: &str| {
        let found = trial.headers.iter().find(|(its, _)| its == name);
        found.map(|(_, value)| value.to_str().unwrap().to_owned())
    };
    let expected = [
        ("x-qlik-user", "UserDirectory=LAB; UserId=boz"),
        (
            "x-qlik-security",
            "SecureRequest=true; Context=AppAccess; Group=sales; Group=a+b; ",
        ),
        ("x-qlik-proxysession", SESSION),
        ("x-qlik-app", "42"),
        ("x-who", "boz"),
    ];
    for (name, value) in expected {
        assert_eq!(header(name).as_deref(), Some(value), "{name}");
    }
}

#[tokio::test]
async fn a_refused_token_shows_every_step_and_no_headers() {
    let lab = lab().await;
    let trial = lab.saved(&lab.token(&json!({"exp": 1})));
    assert_eq!(trial.result.unwrap_err().reason, Reason::TokenExpired);
    assert!(trial.headers.is_empty());
    assert_eq!(trial.times.expires, Some(UnixTime(1)));
    let nonsense = lab.saved("nonsense");
    assert_eq!(last(&nonsense).outcome, Outcome::NotReached);
    assert_eq!(nonsense.presented, None);
    let id = Uuid::nil();
    let unknown = lab
        .site
        .management
        .try_token(root(), TokenJudge::Saved(id), "x", "/", at(3));
    assert!(matches!(unknown, Err(ManageError::NoVirtualProxy(_))));
}

#[tokio::test]
async fn who_is_kept_out_is_said_behind_the_steps_of_the_token() {
    let lab = lab().await;
    let token = lab.token(&json!({"jti": "one"}));
    let mut revocations = Revocations::default();
    revocations.add_id(lab.vp.metadata.id, "one");
    lab.keys.set_revocations(revocations);
    let revoked = lab.saved(&token);
    assert_eq!(last(&revoked).reason, Some(Reason::TokenRevoked));
    lab.keys.set_revocations(Revocations::default());
    assert_eq!(last(&lab.saved(&token)).outcome, Outcome::Passed);
    let denied = lab.with(|vp| vp.access_rule = "id = \"ann\"".to_owned());
    let denied = denied.unwrap();
    assert_eq!(last(&denied).reason, Some(Reason::AccessDenied));
    assert!(denied.headers.is_empty());
}

#[tokio::test]
async fn a_draft_is_checked_like_a_save_and_nothing_of_it_stays() {
    let lab = lab().await;
    let revision = lab.site.management.snapshot().revision;
    let other = lab
        .with(|vp| vp.jwt_audience = "portal".to_owned())
        .unwrap();
    assert_eq!(other.result.unwrap_err().reason, Reason::AudienceMismatch);
    let fixed = lab.with(|vp| vp.jwt_attribute_user_directory = "[fixed]".to_owned());
    assert_eq!(&*fixed.unwrap().result.unwrap().user.directory, "fixed");
    let new = lab.with(|vp| {
        vp.metadata = jotgate_model::entity::Metadata::default();
        vp.prefix = "other".to_owned();
        vp.session_cookie_header_name = "X-Other".to_owned();
    });
    assert!(new.unwrap().result.is_ok());
    let wrong = invalid(lab.with(|vp| vp.prefix = "Wrong!".to_owned()));
    assert_eq!(wrong.0[0].field, "prefix");
    let ticket = lab.with(|vp| {
        vp.authentication_method = jotgate_model::entity::AuthenticationMethod::Ticket;
    });
    assert_eq!(invalid(ticket).0[0].field, "authenticationMethod");
    lab.site.assert_unchanged_since(revision).await;
    let draft = TokenJudge::Draft(Box::new(VirtualProxyConfig::clone(&lab.vp)));
    let tried = lab
        .site
        .management
        .try_token(auditor(), draft, "x", "/", at(3));
    assert!(matches!(tried, Err(ManageError::Forbidden(_))));
}

#[test]
fn times_are_numbers_of_a_reasonable_size() {
    let claims =
        json!({"a": 5, "b": 5.9, "c": "5", "d": 1e300, "e": -5, "f": i64::MIN, "g": u64::MAX});
    let time = |name| seconds_in(claims.as_object().unwrap(), name).map(|time| time.0);
    assert_eq!(
        (time("a"), time("b"), time("e")),
        (Some(5), Some(5), Some(-5))
    );
    for name in ["c", "d", "f", "g", "z"] {
        assert_eq!(time(name), None, "{name}");
    }
}
