//! Decisions → the audit log, one after the other: the log keeps the order in which they were made.

use std::collections::VecDeque;

use sightline_core::Result;
use sightline_core::engine::Engine;
use sightline_core::index::{self, Review};
use sightline_core::jobs::{self, Job, Wake};

use crate::gui::inspect_command::InspectFinding;
use crate::gui::state::{Decision, Ruling};

/// Decisions that are not in the log yet.
#[derive(Default)]
pub struct Recording {
    waiting: VecDeque<(Engine, Decision)>,
    under_way: Option<Job<()>>,
}

impl Recording {
    /// One more.
    pub fn add(&mut self, engine: &Engine, decision: Decision) {
        self.waiting.push_back((engine.clone(), decision));
    }

    /// What became of those that were under way.
    pub fn poll(&mut self, wake: &Wake) -> Option<InspectFinding> {
        let found = self.under_way.as_ref().and_then(Job::poll);
        if found.is_some() {
            self.under_way = None;
        }
        if self.under_way.is_none()
            && let Some((engine, decision)) = self.waiting.pop_front()
        {
            match jobs::spawn("audit", wake.clone(), move |_| recorded(&engine, decision)) {
                Ok(job) => self.under_way = Some(job),
                Err(error) => return Some(InspectFinding::Recorded(Err(error))),
            }
        }
        found.map(InspectFinding::Recorded)
    }

    /// Whether any is not in the log yet.
    pub fn is_busy(&self) -> bool {
        self.under_way.is_some() || !self.waiting.is_empty()
    }
}

fn recorded(engine: &Engine, decision: Decision) -> Result<()> {
    let said = match decision.ruling {
        Some(Ruling::Accepted) => index::Decision::Accepted,
        Some(Ruling::Rejected) => index::Decision::Rejected,
        None => index::Decision::Undecided,
    };
    let Decision { path, hash, score, verdict, product, version, model, threshold, operator, reason, .. } = decision;
    let verdict = verdict.name().to_owned();
    let review =
        Review { product, version, model, path, hash, score, threshold, verdict, decision: said, operator, reason };
    engine.record_review(review).map(drop)
}
