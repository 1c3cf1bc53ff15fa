//! Drills: what makes a run one, chosen before anything begins.
//!
//! A drill is a choice of plan, executor and folder. Nothing below `app` asks whether it is in one. What must stay true: what a drill
//! begins with says that it is one, and whatever deals with real runs never sees it.

use std::sync::Arc;

use super::inputs::{Given, Known};
use super::library::Loaded;
use super::resume;
use crate::ending::{Code, Ending};
use crate::engine::BegunDrill;
use crate::exec::rehearsal::{self, Speed};
use crate::front::Answer;
use crate::journal::RunFolder;
use crate::playbook::nearest;
use crate::playbook::plan::Plan;

/// What is shown wherever a drill is shown.
pub(super) const MARK: &str = "DRILL";

/// What the title of a walk-through is.
const WALK_THROUGH: &str = "Walk-through";

/// A playbook to practise with.
#[derive(Clone, Debug)]
pub(super) struct Practice {
    /// What the drill begins with.
    pub(super) begun: BegunDrill,
    /// The playbook as it is written.
    pub(super) original: Arc<Plan>,
}

/// Makes a playbook one to practise with: a drill of it, or a walk-through.
///
/// # Errors
/// Code 2: it has no such drill, or the speed is none.
pub(super) fn choose(loaded: Loaded, id: Option<&str>, speed: Option<&str>) -> Result<(Loaded, Practice), Ending> {
    let title = match id {
        None => WALK_THROUGH.to_owned(),
        Some(id) => match loaded.plan.drills.iter().find(|drill| drill.id == id) {
            Some(drill) => drill.title.clone(),
            None => return Err(unknown(&loaded.plan, id)),
        },
    };
    let pace: Speed = speed.unwrap_or("1x").parse().map_err(|why| Ending {
        code: Code::Usage,
        what: format!("--speed {why}"),
        because: None,
        next: Some("`--speed 4x` plays four times as fast".to_owned()),
    })?;
    // Its high half is the time, so that no two drills are alike.
    let chance = u64::try_from(ulid::Ulid::new().0 & u128::from(u64::MAX)).unwrap_or_default();
    let begun = BegunDrill { id: id.map(str::to_owned), title, speed: pace.to_string(), seed: chance };
    Ok(practise(loaded, begun))
}

/// Makes a playbook the one of a drill that is known.
pub(super) fn practise(loaded: Loaded, begun: BegunDrill) -> (Loaded, Practice) {
    let original = Arc::clone(&loaded.plan);
    let plan = Arc::new(rehearsal::practised(&original, &begun));
    (Loaded { plan, ..loaded }, Practice { begun, original })
}

impl Practice {
    /// Says what the trainee is told before anything else; Markdown.
    pub(super) fn brief(&self) -> String {
        let drill = rehearsal::drill(&self.original, &self.begun);
        let brief = match drill {
            Some(drill) => drill.brief.clone().unwrap_or_default(),
            None => "Every step as the playbook has it, and nothing goes wrong.".to_owned(),
        };
        let brief = brief.trim_end();
        format!("{brief}\n\nNothing real is touched: what is shown is simulated, and secrets are practice values.")
    }
}

fn unknown(plan: &Plan, id: &str) -> Ending {
    let ids: Vec<&str> = plan.drills.iter().map(|drill| drill.id.as_str()).collect();
    let next = match (nearest(id, ids.iter().copied()), ids.is_empty()) {
        (Some(near), _) => format!("did you mean {near}?"),
        (None, true) => "it has none; `--drill` without an id walks through it".to_owned(),
        (None, false) => format!("its drills are {}; `--drill` without an id walks through it", ids.join(", ")),
    };
    Ending {
        code: Code::Usage,
        what: format!("the playbook has no drill {}", crate::output::visible_plain(id)),
        because: None,
        next: Some(next),
    }
}

/// Fills in the practice values of secrets that nobody gave.
pub(super) fn fill(practice: &Practice, plan: &Plan, known: &mut Known) {
    for (name, secret) in rehearsal::secrets(plan, practice.begun.seed) {
        // As though somebody had given it: it is not taken from anywhere again.
        known.values.entry(name).or_insert(Given { answer: Answer::Secret(secret), from: None });
    }
}

/// Says what drill a folder holds; none where it holds a real run.
pub(super) fn of(folder: &RunFolder) -> Option<BegunDrill> {
    folder.summary()?.begun.drill
}

/// Reads the plan of a run or a drill.
///
/// # Errors
/// It cannot be read.
pub(super) fn plan_of(folder: &RunFolder) -> Result<Plan, Ending> {
    let (original, _) = resume::playbook(folder)?;
    Ok(match of(folder) {
        Some(begun) => rehearsal::practised(&original, &begun),
        None => original,
    })
}
