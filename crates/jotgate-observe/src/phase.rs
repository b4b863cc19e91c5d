//! The phases of a request, and when each began.

/// The phases of a request, in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// TLS, connection limits.
    Accept,
    /// One canonical view.
    Sanitize,
    /// Which virtual proxy.
    Route,
    /// Origin and preflight.
    Admit,
    /// Session or token.
    Identify,
    /// May this user come in.
    Authorize,
    /// Which node.
    Select,
    /// Headers towards the node.
    Rewrite,
    /// To the node and back.
    Forward,
    /// A WebSocket.
    Tunnel,
    /// The answer.
    Respond,
}

impl Phase {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Accept,
        Self::Sanitize,
        Self::Route,
        Self::Admit,
        Self::Identify,
        Self::Authorize,
        Self::Select,
        Self::Rewrite,
        Self::Forward,
        Self::Tunnel,
        Self::Respond,
    ];

    /// The name in logs, metrics and the manual.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accept => "accept",
            Self::Sanitize => "sanitize",
            Self::Route => "route",
            Self::Admit => "admit",
            Self::Identify => "identify",
            Self::Authorize => "authorize",
            Self::Select => "select",
            Self::Rewrite => "rewrite",
            Self::Forward => "forward",
            Self::Tunnel => "tunnel",
            Self::Respond => "respond",
        }
    }
}

/// When each phase of a request began, in microseconds since its head came. An array of 44 bytes, so
/// that keeping it costs nothing beside the readings of the clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PhaseTimes([u32; Phase::ALL.len()]);

/// No phase begins that late: 71 minutes.
const NOT_REACHED: u32 = u32::MAX;

impl PhaseTimes {
    /// A request of which no phase has begun.
    pub const NONE: Self = Self([NOT_REACHED; Phase::ALL.len()]);

    /// Notes that `phase` began at `micros`.
    pub const fn begin(&mut self, phase: Phase, micros: u32) {
        self.0[phase as usize] = micros;
    }

    /// When `phase` began, if it did.
    #[must_use]
    pub const fn of(&self, phase: Phase) -> Option<u32> {
        match self.0[phase as usize] {
            NOT_REACHED => None,
            micros => Some(micros),
        }
    }

    /// The phases that began, in their order.
    pub fn reached(&self) -> impl Iterator<Item = (Phase, u32)> {
        Phase::ALL
            .into_iter()
            .filter_map(|phase| Some((phase, self.of(phase)?)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_are_told_in_their_order() {
        let mut times = PhaseTimes::NONE;
        times.begin(Phase::Respond, 900);
        times.begin(Phase::Sanitize, 0);
        times.begin(Phase::Identify, 12);
        let reached: Vec<_> = times.reached().collect();
        assert_eq!(
            reached,
            [
                (Phase::Sanitize, 0),
                (Phase::Identify, 12),
                (Phase::Respond, 900)
            ]
        );
        assert_eq!(times.of(Phase::Tunnel), None);
        assert!(
            Phase::ALL
                .iter()
                .enumerate()
                .all(|(at, phase)| *phase as usize == at)
        );
    }
}
