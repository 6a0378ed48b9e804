use super::*;

fn opened(severity: Sev, rule: Option<Name>) -> Incident {
    let (scope, title, by) = (Scope::Fleet, "t".to_owned(), "ann".to_owned());
    let opening = Opening { severity, scope, title, by, rule, refs: vec!["journal:1".to_owned()] };
    Incident::open("inc-1".parse().unwrap(), opening, 1_000, 500)
}

fn review(follow_up: &str) -> Review {
    let [cause, impact, resolution] = ["a", "b", "c"].map(str::to_owned);
    Review { cause, impact, resolution, follow_up: follow_up.to_owned() }
}

#[test]
fn steps_are_taken_one_at_a_time_and_closing_needs_its_review() {
    let mut incident = opened(Sev::Sev1, None);
    for step in [Step::Contain, Step::Investigate, Step::Contain, Step::Investigate, Step::Eradicate, Step::Recover] {
        assert_eq!(incident.close(review("d"), "ann", 2), Err(IncidentError::NotReviewed), "{step}");
        incident.step(step, "ann", "", 2).unwrap();
    }
    assert_eq!(incident.step(Step::Closed, "ann", "", 2), Err(IncidentError::NotReviewed));
    incident.step(Step::Detect, "ann", "", 2).unwrap();
    assert_eq!(incident.step(Step::Investigate, "ann", "", 2), Err(IncidentError::TooFar));
    for step in Step::ALL.into_iter().filter(|step| (Step::Contain..Step::Closed).contains(step)) {
        incident.step(step, "ann", "", 2).unwrap();
    }
    assert_eq!(incident.close(review(" "), "ann", 3), Err(IncidentError::NotReviewed), "a part is empty");
    incident.close(review("d"), "ann", 3).unwrap();
    assert!(!incident.is_open());
    assert_eq!(incident.step(Step::Detect, "ann", "", 4), Err(IncidentError::Closed));
    assert_eq!(incident.grade(Sev::Sev0, "ann", 4, 1), Err(IncidentError::Closed));
}

#[test]
fn the_clock_runs_until_a_person_answers() {
    let mut incident = opened(Sev::Sev2, Some("disk".parse().unwrap()));
    assert_eq!([1_000, 1_499, 1_500].map(|now| incident.is_overdue(now)), [false, false, true]);
    incident.grade(Sev::Sev0, "disk", 1_100, 100).unwrap();
    assert!(incident.is_overdue(1_200), "worse is more urgent");
    incident.grade(Sev::Sev3, "ann", 1_100, 9_000).unwrap();
    assert!(incident.is_overdue(1_200), "and no grade buys time");
    incident.answered(1_200);
    assert!(!incident.is_overdue(9_999));
    assert!(!opened(Sev::Sev0, None).is_overdue(9_999), "whoever opens it has answered");
}

#[test]
fn a_flood_of_remarks_is_counted_and_steps_still_find_room() {
    let mut incident = opened(Sev::Sev2, None);
    let mark = Mark { at_ms: 1, by: "x".into(), what: What::Note, text: "é".repeat(2000), refs: vec![] };
    for _ in 0..600 {
        incident.note(mark.clone()).unwrap();
    }
    assert_eq!((incident.timeline.len(), incident.untold), (MAX_MARKS, 600 + 1 - MAX_MARKS as u64));
    assert_eq!(incident.timeline.last().unwrap().text.len(), MAX_TEXT);
    incident.step(Step::Contain, "ann", "", 2).unwrap();
    assert_eq!(incident.timeline.len(), MAX_MARKS + 1);
}
