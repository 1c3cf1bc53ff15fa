//! Evidence on the screen: the form that asks for an item, and the lines that are ticked.
//!
//! What is given goes to the session, which keeps a file before anybody is told that it was given. What must stay true: a line
//! shows as ticked what the record says, once it says so; a watcher's lines are those of who acts.

use super::field::Field;
use super::form::Form;
use super::panel::Purpose;
use super::state::Walk;
use crate::engine::{Awaiting, Input, Target};
use crate::front::{Offer, Say};
use crate::playbook::plan::{EvidenceSpec, InputKind, StepId, Want};

impl Walk {
    /// Finds what is wanted as an item of a step's evidence, from 1.
    pub(super) fn wanted_evidence(&self, step: &StepId, item: u32) -> Option<&EvidenceSpec> {
        self.plan.step(step)?.evidence.get(usize::try_from(item).ok()?.checked_sub(1)?)
    }

    /// Makes the form that asks for an item.
    pub(super) fn evidence_form(&self, step: &StepId, item: u32) -> Option<Form> {
        let spec = self.wanted_evidence(step, item)?;
        let mut field = Field::line("evidence", &self.fill(&spec.title));
        if spec.want == Want::File {
            field.spec.kind = InputKind::Path;
        }
        Some(Form::new(vec![field], Vec::new()))
    }

    /// Hands in what was typed as evidence; nothing is enough where it is optional.
    pub(super) fn hand_in_evidence(&mut self) {
        let Awaiting::Evidence(step, item) = self.awaiting.clone() else { return };
        let typed = self.form.as_ref().and_then(|form| form.fields.first()).and_then(Field::shown);
        let typed = typed.unwrap_or_default().trim().to_owned();
        match self.wanted_evidence(&step, item).cloned() {
            Some(spec) if !typed.is_empty() => {
                let offer = Offer::of(&spec, &typed);
                self.say(Say::Evidence { step, item, offer });
            }
            Some(spec) if spec.optional => {
                self.say(Say::Input(Input::EvidenceMissing { step, item, reason: None }));
            }
            Some(_) | None => self.message = Some(("type it first, or press Esc and s to pass over it".into(), true)),
        }
    }

    /// Returns the item that is asked for, where one is, and whether it may be passed over without a reason.
    pub(super) fn evidence_to_pass(&self) -> Option<(Purpose, bool)> {
        let Awaiting::Evidence(step, item) = &self.awaiting else { return None };
        let optional = self.wanted_evidence(step, *item)?.optional;
        Some((Purpose::NoEvidence { step: step.clone(), item: *item }, optional))
    }

    /// Ticks a line, here at once and on record.
    pub(super) fn tick(&mut self) {
        let Awaiting::Person(target) = self.awaiting.clone() else { return };
        let Some((at, ticked)) = self.form.as_mut().and_then(Form::tick) else { return };
        let item = u32::try_from(at).unwrap_or(u32::MAX).saturating_add(1);
        self.says.push(Say::Input(Input::Tick { target, item, ticked }));
    }

    /// Shows the lines as the record has them ticked.
    pub(super) fn show_ticks(&mut self, target: &Target) {
        if self.awaiting != Awaiting::Person(target.clone()) {
            return;
        }
        let ticked = self.run.ticked(&self.plan, target);
        if let Some(form) = &mut self.form {
            for (item, (_, tick)) in (1..).zip(&mut form.ticks) {
                *tick = ticked.contains(&item);
            }
        }
    }
}
