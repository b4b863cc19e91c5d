//! How the gateways of the site are, as each of them says of itself.

use std::collections::HashMap;
use std::time::Duration;

use jotgate_model::{Timestamp, Uuid};
use jotgate_repository::{Heard, Report};
use tokio::time::Instant;

use crate::Management;
use crate::management::Inner;

/// How often a gateway says how it is, when nothing has changed.
const REPORT: Duration = Duration::from_secs(10);
/// A gateway that has said nothing for so long is silent.
const SILENT: Duration = Duration::from_secs(30);

/// How a gateway is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GatewayState {
    /// It serves.
    Running,
    /// It runs, and this is wrong with it.
    Troubled(String),
    /// It has said nothing for half a minute: it has ended, or does not reach the database.
    Silent,
    /// Nothing was ever heard of it, or the database does not answer.
    Unknown,
}

/// A gateway of the site, and how it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatewayStatus {
    /// The id of its proxy service.
    pub id: Uuid,
    /// How it is.
    pub state: GatewayState,
    /// The version of its program, as it said last.
    pub version: Option<String>,
    /// The number of the configuration that it serves, as it said last.
    pub revision: Option<u64>,
    /// When it was heard of last.
    pub heard: Option<Timestamp>,
}

/// What this gateway has said last, and when.
#[derive(Default)]
pub(crate) struct Said(Option<(Instant, Report)>);

impl Management {
    /// Every gateway of the site in no order. Of others that is what they say in the database that all share:
    /// while it does not answer, nothing is known of them.
    pub async fn gateways(&self, now: Timestamp) -> Vec<GatewayStatus> {
        let heard = self.inner.repository.reports().await.unwrap_or_default();
        let heard = heard.into_iter().map(|heard| (heard.report.gateway, heard));
        let mut heard: HashMap<Uuid, Heard> = heard.collect();
        let own = self.inner.own_report();
        let age = Duration::ZERO;
        heard.insert(own.gateway, Heard { report: own, age });
        let snapshot = self.snapshot();
        let gateways = snapshot.documents.proxy_services.keys();
        gateways
            .map(|&id| status(id, heard.remove(&id), now))
            .collect()
    }

    /// Says how this gateway is, when that has changed or some time has passed.
    pub(crate) async fn report(&self, said: &mut Said) {
        let report = self.inner.own_report();
        let is_said = |(at, said): &(Instant, Report)| *said == report && at.elapsed() < REPORT;
        if said.0.as_ref().is_some_and(is_said) {
            return;
        }
        // What fails is said a second later.
        if self.inner.repository.report(&report).await.is_ok() {
            said.0 = Some((Instant::now(), report));
        }
    }
}

impl Inner {
    fn own_report(&self) -> Report {
        let snapshot = self.snapshot.load();
        let mut problem = self.followed.trouble();
        if problem.is_empty() && self.sessions.is_failing() {
            "nobody can sign in: the session store does not answer".clone_into(&mut problem);
        }
        Report {
            gateway: snapshot.proxy_id,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            revision: snapshot.revision,
            problem,
        }
    }
}

fn status(id: Uuid, heard: Option<Heard>, now: Timestamp) -> GatewayStatus {
    let Some(Heard { report, age }) = heard else {
        return GatewayStatus {
            id,
            state: GatewayState::Unknown,
            version: None,
            revision: None,
            heard: None,
        };
    };
    let age_in_millis = i64::try_from(age.as_millis()).unwrap_or(i64::MAX);
    let heard = now.as_millis().saturating_sub(age_in_millis);
    GatewayStatus {
        id,
        state: match report.problem {
            _ if age > SILENT => GatewayState::Silent,
            problem if problem.is_empty() => GatewayState::Running,
            problem => GatewayState::Troubled(problem),
        },
        version: Some(report.version),
        revision: Some(report.revision),
        heard: Some(Timestamp::from_millis(heard)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{at, site};

    fn heard(problem: &str, seconds: u64) -> Heard {
        let report = Report {
            gateway: Uuid::from_u128(7),
            version: "1.2.3".to_owned(),
            revision: 9,
            problem: problem.to_owned(),
        };
        let age = Duration::from_secs(seconds);
        Heard { report, age }
    }

    #[test]
    fn a_gateway_is_as_it_says_until_it_falls_silent() {
        let state = |heard| status(Uuid::from_u128(7), heard, at(100)).state;
        assert_eq!(state(Some(heard("", 30))), GatewayState::Running);
        let troubled = GatewayState::Troubled("out of breath".to_owned());
        assert_eq!(state(Some(heard("out of breath", 0))), troubled);
        assert_eq!(
            state(Some(heard("out of breath", 31))),
            GatewayState::Silent
        );
        assert_eq!(state(None), GatewayState::Unknown);
        let status = status(Uuid::from_u128(7), Some(heard("", 31)), at(100));
        assert_eq!((status.revision, status.heard), (Some(9), Some(at(69))));
    }

    #[tokio::test]
    async fn a_gateway_that_is_alone_knows_how_it_is() {
        let site = site().await;
        let all = site.management.gateways(at(5)).await;
        let [own] = &all[..] else {
            panic!("{all:?}");
        };
        assert_eq!(own.id, site.management.snapshot().proxy_id);
        assert_eq!(own.state, GatewayState::Running);
        assert_eq!((own.revision, own.heard), (Some(1), Some(at(5))));
        assert_eq!(own.version.as_deref(), Some(env!("CARGO_PKG_VERSION")));
    }
}
