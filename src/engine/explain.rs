//! Why a rule did or did not fire on an event, clause by clause.

use crate::audit::event::Event;
use crate::sigma::explain::Explanation;

use super::evaluate::is_judged;
use super::ruleset::LoadedRule;

/// A decision and its reasons.
#[derive(Debug)]
pub struct Decision {
    /// The rule fires on this event.
    pub fires: bool,
    /// Why the event is not judged at all, when it is not.
    pub set_aside: Option<&'static str>,
    /// The condition as a tree, each part with its verdict and the values seen.
    pub explanation: Explanation,
}

/// Decides and explains.
pub fn explain(rule: &LoadedRule, event: &Event) -> Decision {
    let explanation = rule.matcher.explain(event);
    let judged = is_judged(event);
    Decision {
        fires: judged && rule.matcher.matches(event),
        set_aside: (!judged).then_some(
            "stage RequestReceived: the request has no outcome yet and comes again in a later stage",
        ),
        explanation,
    }
}
