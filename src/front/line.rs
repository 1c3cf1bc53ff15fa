//! stub
use super::*;
use crate::playbook::plan::{Plan, StepId};
#[derive(Debug)]
pub struct Line;
impl Line {
    pub fn start(_p: Arc<Plan>, _r: String, _b: Option<Option<StepId>>) -> Self {
        Self
    }
}
impl Front for Line {
    fn take(&mut self, _: Update) {}
}
pub fn briefing(_p: &Plan, _m: &BTreeMap<Name, Answer>, _f: &BriefingFacts) -> Result<Option<BriefingAnswers>, String> {
    Ok(None)
}
