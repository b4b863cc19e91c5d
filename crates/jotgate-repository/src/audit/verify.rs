//! Whether the trail is as it was written.

use super::kept::Kept;
use super::trail::DAMAGED;
use super::{AuditHead, AuditKey, AuditRow, AuditTrail, MAX_AUDIT_ROWS};
use crate::database::Statement;
use crate::{Repository, RepositoryError};

/// How far away a row is looked for that stands in the wrong place.
const MOVED: i64 = 1000;

/// What became of the trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditVerdict {
    /// How many rows are as they were written, from the first one on.
    pub good: i64,
    /// The newest of them.
    pub head: AuditHead,
    /// The first thing that is wrong.
    pub problem: Option<AuditProblem>,
}

/// What is wrong with a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditProblem {
    /// The first row that is concerned.
    pub row: i64,
    /// What was done to it.
    pub damage: Damage,
    /// The same as a sentence.
    pub sentence: String,
}

/// What can be wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Damage {
    /// A row says something else than when it was written.
    Altered,
    /// Rows at the end are not there any more.
    CutOff,
    /// What keeps the end of the trail beside the database is gone or not to be believed.
    EndUnknown,
    /// A row was never written by Jotgate, or not with this key.
    Inserted,
    /// A row stands where another one stood.
    Moved,
    /// A row is not there any more.
    Removed,
}

impl Damage {
    /// The stable name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Altered => "altered",
            Self::CutOff => "cut_off",
            Self::EndUnknown => "end_unknown",
            Self::Inserted => "inserted",
            Self::Moved => "moved",
            Self::Removed => "removed",
        }
    }
}

impl Repository {
    /// Checks every row of the trail, and that it still has the rows that `heads` name and the one
    /// that is kept beside the database.
    ///
    /// # Errors
    /// [`RepositoryError::Unavailable`], also for a repository without a trail.
    pub async fn verify_audit(&self, heads: &[AuditHead]) -> Result<AuditVerdict, RepositoryError> {
        let trail = self.trail.as_ref().ok_or_else(|| {
            RepositoryError::Unavailable("it was opened without its audit trail".to_owned())
        })?;
        let mut ends = Ends::new(trail, heads);
        let mut verdict = AuditVerdict {
            good: 0,
            head: AuditHead::BEGINNING,
            problem: None,
        };
        loop {
            let rows = self.rows_from(verdict.head.sequence).await?;
            if rows.is_empty() {
                break;
            }
            for (at, row) in rows.iter().enumerate() {
                if let Some(damage) = problem_of(row, &verdict.head, &trail.key) {
                    let next = rows.get(at + 1);
                    let problem = describe(damage, row, &verdict.head, next, &trail.key);
                    verdict.problem.get_or_insert(problem);
                    return Ok(verdict);
                }
                if let Some(head) = row.head() {
                    verdict.good += 1;
                    verdict.head = head;
                    ends.seen(&head);
                }
                if row.action == DAMAGED && verdict.problem.is_none() {
                    verdict.problem = Some(AuditProblem {
                        row: row.sequence,
                        damage: Damage::CutOff,
                        sentence: format!(
                            "row {} notes a damage before it: {}",
                            row.sequence, row.reason
                        ),
                    });
                }
            }
        }
        if verdict.problem.is_none() {
            verdict.problem = ends.problem(&verdict.head);
        }
        Ok(verdict)
    }

    /// Also what has a number that no row has.
    async fn rows_from(&self, sequence: i64) -> Result<Vec<AuditRow>, RepositoryError> {
        let beyond = if sequence == 0 { i64::MIN } else { sequence };
        Statement::new("SELECT * FROM audit WHERE sequence > $1 ORDER BY sequence LIMIT $2")
            .bind(beyond)
            .bind(MAX_AUDIT_ROWS)
            .all(&mut self.database().reading().await?)
            .await
    }
}

/// What is wrong with the row that follows `before`. Whoever can read the seals has the database
/// already: no need to hide how long a comparison takes.
fn problem_of(row: &AuditRow, before: &AuditHead, key: &AuditKey) -> Option<Damage> {
    let sealed = key.seal(row).as_slice() == row.mac;
    let next = before.sequence.saturating_add(1);
    match (sealed, row.sequence == next) {
        (true, true) if row.previous == before.mac => None,
        // It is genuine, and so are those before it.
        (true, true) => Some(Damage::Inserted),
        (true, false) if row.sequence > next => Some(Damage::Removed),
        (true, false) => Some(Damage::Inserted),
        (false, _) => Some(Damage::Altered),
    }
}

fn describe(
    damage: Damage,
    row: &AuditRow,
    before: &AuditHead,
    next: Option<&AuditRow>,
    key: &AuditKey,
) -> AuditProblem {
    let number = row.sequence;
    let expected = before.sequence.saturating_add(1);
    let (at, damage, sentence) = match damage {
        Damage::Removed => (
            expected,
            Damage::Removed,
            match number - expected {
                1 => format!("row {expected} was removed"),
                _ => format!("the rows {expected} to {} were removed", number - 1),
            },
        ),
        Damage::Altered => match (written_as(row, key), follows(next, row, key)) {
            (Some(other), _) => (
                number,
                Damage::Moved,
                format!("in the place of row {number} stands what was written as row {other}"),
            ),
            (None, true) => (
                number,
                Damage::Altered,
                format!("row {number} was altered after it was written"),
            ),
            (None, false) => (
                number,
                Damage::Inserted,
                format!("row {number} was altered, or inserted, or sealed with another key"),
            ),
        },
        other => (
            number,
            other,
            format!("row {number} does not follow the row before it"),
        ),
    };
    AuditProblem {
        row: at,
        damage,
        sentence,
    }
}

/// The number under which a row is genuine, when it was moved.
fn written_as(row: &AuditRow, key: &AuditKey) -> Option<i64> {
    let mut moved = row.clone();
    (-MOVED..=MOVED).find_map(|distance| {
        moved.sequence = row.sequence.checked_add(distance)?;
        (key.seal(&moved).as_slice() == moved.mac).then_some(moved.sequence)
    })
}

/// Whether the next row was sealed onto this one, as it stands or as its content would have it.
fn follows(next: Option<&AuditRow>, row: &AuditRow, key: &AuditKey) -> bool {
    next.is_some_and(|next| {
        let genuine = key.seal(next).as_slice() == next.mac;
        let onto = next.previous == row.mac || next.previous == key.seal(row);
        genuine && onto && next.sequence == row.sequence + 1
    })
}

/// The rows that must be there.
struct Ends {
    missing: Vec<AuditHead>,
    kept: Result<(), String>,
}

impl Ends {
    fn new(trail: &AuditTrail, heads: &[AuditHead]) -> Self {
        let mut missing = heads.to_vec();
        let path = trail.file.path().display();
        let kept = match trail.file.read() {
            Kept::Head(head) => {
                missing.push(head);
                Ok(())
            }
            Kept::Missing => Err(format!(
                "the file {path}, which keeps the end of the trail, is missing"
            )),
            Kept::Unusable(why) => Err(format!(
                "the file {path}, which keeps the end of the trail, {why}"
            )),
        };
        missing.retain(|head| *head != AuditHead::BEGINNING);
        Self { missing, kept }
    }

    fn seen(&mut self, head: &AuditHead) {
        self.missing.retain(|missing| missing != head);
    }

    fn problem(self, newest: &AuditHead) -> Option<AuditProblem> {
        if let Some(missing) = self.missing.iter().max_by_key(|head| head.sequence) {
            let cut = missing.sequence > newest.sequence;
            let (damage, sentence) = if cut {
                let (last, end) = (newest.sequence, missing.sequence);
                let sentence = format!(
                    "the end is cut off: the trail ends with row {last}, and row {end} was written"
                );
                (Damage::CutOff, sentence)
            } else {
                let sentence = format!("row {} is another one than {missing}", missing.sequence);
                (Damage::Altered, sentence)
            };
            let row = if cut {
                newest.sequence + 1
            } else {
                missing.sequence
            };
            return Some(AuditProblem {
                row,
                damage,
                sentence,
            });
        }
        self.kept.err().map(|sentence| AuditProblem {
            row: newest.sequence,
            damage: Damage::EndUnknown,
            sentence,
        })
    }
}
