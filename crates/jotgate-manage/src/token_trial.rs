//! What would become of a token: judged step by step, by the rules of a virtual proxy that is served or
//! of one that is only being edited. No session is opened, and nothing of the token is kept.

use http::{HeaderMap, HeaderName, HeaderValue};
use jotgate_model::entity::VirtualProxyConfig;
use jotgate_model::{
    Authentication, Identity, PresentedToken, Refusal, Snapshot, Timestamp, UnixTime, Uuid,
    VirtualProxy,
};
use jotgate_policy::authorize::{self, Who};
use jotgate_policy::identity_headers::{self, Asker, Context, Surroundings};
use jotgate_token::{Outcome, Step, StepName, Verdict, presented, unverified_parts};
use serde_json::{Map, Value};

use crate::{Actor, ManageError, Management};

/// By whose rules a token is judged.
#[derive(Clone, Debug)]
pub enum TokenJudge {
    /// A virtual proxy, as it is served.
    Saved(Uuid),
    /// One that is being edited: the whole document, with the id of the one that it would replace, or
    /// none. Published key sets that no virtual proxy has named yet have no keys here.
    Draft(Box<VirtualProxyConfig>),
}

/// What would become of a token.
#[derive(Clone, Debug)]
pub struct TokenTrial {
    /// The steps of the token's verdict, and behind them whether its user is let in.
    pub steps: Vec<Step>,
    /// Who would be signed in, or why nobody would.
    pub result: Result<Identity, Refusal>,
    /// Header and claims, with private claims masked, if they can be read.
    pub presented: Option<PresentedToken>,
    /// The times that the claims name, proven or not.
    pub times: TokenTimes,
    /// The headers about the user that a backend would get; none when nobody would be signed in. What
    /// only a real session or connection has stands in angle brackets.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Whether the virtual proxy is linked to this gateway, so that requests reach it.
    pub is_linked: bool,
}

/// The times in the claims of a token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenTimes {
    /// `exp`.
    pub expires: Option<UnixTime>,
    /// `nbf`.
    pub not_before: Option<UnixTime>,
    /// `iat`.
    pub issued: Option<UnixTime>,
}

/// What stands for the public id of the session that would be opened.
const SESSION: &str = "<id of the session>";
/// What stands for the id of the connection.
const CONNECTION: &str = "<id of the connection>";

impl Management {
    /// Says what would become of `token`, and of its user when a request for `path` (below the prefix)
    /// followed. Whether a single-use token was used before is found out only when it is used.
    ///
    /// # Errors
    /// [`ManageError::NoVirtualProxy`]; [`ManageError::Invalid`] when the virtual proxy takes no tokens
    /// or the draft could not be saved, with every field at fault; [`ManageError::Forbidden`] for a draft
    /// that the actor may not save; [`ManageError::Unavailable`].
    pub fn try_token(
        &self,
        actor: &Actor,
        judge: TokenJudge,
        token: &str,
        path: &str,
        now: Timestamp,
    ) -> Result<TokenTrial, ManageError> {
        let keys = self.inner.keys()?;
        let at = UnixTime(now.as_millis().div_euclid(1000));
        let (snapshot, vp, verdict) = match judge {
            TokenJudge::Saved(id) => {
                let snapshot = self.snapshot();
                let vp = snapshot.virtual_proxy(id).cloned();
                let vp = vp.ok_or_else(|| ManageError::NoVirtualProxy(id.to_string()))?;
                let verdict = keys.explain(id, token.as_bytes(), at);
                (snapshot, vp, verdict)
            }
            TokenJudge::Draft(draft) => {
                let (snapshot, vp) = self.check_virtual_proxy(actor, *draft, now)?;
                let verdict = keys.explain_draft(&vp, token.as_bytes(), at);
                (snapshot, vp, verdict)
            }
        };
        let (Authentication::Jwt(settings), Some(verdict)) = (&vp.authentication, verdict) else {
            let problem = "is not JWT: no token is looked at";
            return Err(ManageError::field("authenticationMethod", problem));
        };
        let private = &settings.private_claims;
        let presented = match &verdict.result {
            Ok(verified) => Some(PresentedToken::clone(&verified.presented)),
            Err(_) => presented(token.as_bytes(), private),
        };
        let Verdict { mut steps, result } = verdict;
        let (last, result) = self.let_in(&snapshot, &vp, &steps, result.map(|v| v.identity));
        steps.push(last);
        let headers = match &result {
            Ok(identity) => headers(&snapshot, &vp, identity, path).unwrap_or_default(),
            Err(_) => Vec::new(),
        };
        Ok(TokenTrial {
            steps,
            result,
            presented,
            times: TokenTimes::of(token, private),
            headers,
            is_linked: snapshot.is_linked(vp.id),
        })
    }

    /// The step behind those of the token: revocations, blocks, bound directories, the access rule.
    fn let_in(
        &self,
        snapshot: &Snapshot,
        vp: &VirtualProxy,
        steps: &[Step],
        result: Result<Identity, Refusal>,
    ) -> (Step, Result<Identity, Refusal>) {
        let is_refused = steps.iter().any(|step| step.outcome == Outcome::Failed);
        let result = result.and_then(|identity| {
            let attributes = identity.attributes.iter();
            let who = Who {
                directory: &identity.user.directory,
                id: &identity.user.id,
                attributes: attributes.map(|(name, value)| (&**name, &**value)),
            };
            authorize::check(snapshot, &self.inner.people.load(), vp, &who)?;
            Ok(identity)
        });
        let (outcome, found, reason) = match &result {
            Ok(identity) => (
                Outcome::Passed,
                format!("{} may come in", identity.user),
                None,
            ),
            Err(_) if is_refused => (Outcome::NotReached, String::new(), None),
            Err(refusal) => {
                let found = refusal.detail().unwrap_or(refusal.reason.client_sentence());
                (Outcome::Failed, found.to_owned(), Some(refusal.reason))
            }
        };
        let step = Step {
            name: StepName::Session,
            outcome,
            found,
            expected: "a token that is not revoked, and a user whom nothing keeps out".to_owned(),
            reason,
            remedy: reason.map(jotgate_model::Reason::remedy),
        };
        (step, result)
    }
}

/// What a backend would be told of the user, by the functions of the request path.
fn headers(
    snapshot: &Snapshot,
    vp: &VirtualProxy,
    identity: &Identity,
    path: &str,
) -> Result<Vec<(HeaderName, HeaderValue)>, Refusal> {
    let asker = Asker {
        directory: &identity.user.directory,
        id: &identity.user.id,
        session: SESSION,
    };
    let around = Surroundings {
        virtual_proxy: vp,
        proxy_id: snapshot.proxy_id,
        context: Context::of(path),
        over_tls: true,
        client_address: "<address of the client>",
        user_agent: "",
    };
    let attributes = identity.attributes.iter();
    let attributes = attributes.map(|(name, value)| (&**name, &**value));
    let mut headers = HeaderMap::new();
    headers.extend(identity_headers::prepare(&asker, attributes, &around)?);
    identity_headers::set_for_request(&mut headers, &identity_headers::trace(CONNECTION), path);
    let all = headers.iter();
    Ok(all
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect())
}

impl TokenTimes {
    fn of(token: &str, private: &[Box<str>]) -> Self {
        let claims = unverified_parts(token.as_bytes())
            .claims
            .unwrap_or_default();
        let time = |name: &str| {
            let is_private = private.iter().any(|private| **private == *name);
            (!is_private).then(|| seconds_in(&claims, name)).flatten()
        };
        Self {
            expires: time("exp"),
            not_before: time("nbf"),
            issued: time("iat"),
        }
    }
}

/// A NumericDate (RFC 7519 section 2), cut to the second; nothing for what is none or too far away.
fn seconds_in(claims: &Map<String, Value>, name: &str) -> Option<UnixTime> {
    let number = claims.get(name)?.as_number()?;
    let text = number.to_string();
    let whole = text.split('.').next().unwrap_or_default();
    let seconds: i64 = whole.parse().ok()?;
    (seconds.unsigned_abs() < 1 << 40).then_some(UnixTime(seconds))
}

#[cfg(test)]
mod tests;
