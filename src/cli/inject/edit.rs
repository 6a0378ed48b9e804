//! A sidecar put into the text of a manifest, or taken out of it.
//!
//! The text is edited line by line, so that comments, order and quoting stay. What comes out is then read as YAML and compared with the
//! same change made to what was read before: where the lines were not what they looked like, nothing is written.

use std::ops::Range;

use serde_json::{Value, json};

use super::lines::{Lines, behind, indent, says_something};

/// A line of the result, or one that is in it no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Mark {
    Kept(String),
    Added(String),
    Dropped(String),
}

/// What is put in.
#[derive(Clone, Debug)]
pub(super) struct Parts {
    /// One item of `initContainers`, in lines without indentation.
    pub(super) container: String,
    /// Items of `volumes`.
    pub(super) volumes: String,
}

/// One document without the sidecar, and with `parts` if they are given. `None`: it holds no pod, or is not to be touched.
///
/// # Errors
///
/// Where the document cannot be edited as lines.
pub(super) fn edit(text: &str, parts: Option<&Parts>) -> Result<Option<Vec<Mark>>, String> {
    if !text.lines().any(says_something) {
        return Ok(None);
    }
    let read = |text: &str| serde_saphyr::from_str::<Value>(text).map_err(|error| format!("not YAML: {error}"));
    let mut before = read(text)?;
    let Some(path) = pod_path(&before) else { return Ok(None) };
    if before.pointer("/metadata/annotations/sekisho.io~1inject").and_then(Value::as_str) == Some("disabled") {
        return Ok(None);
    }
    let lines: Vec<&str> = text.lines().collect();
    let marks = marked(Lines(&lines), path, parts)?;
    let after = read(&joined(&marks, text))?;
    change(&mut before, path, parts)?;
    if before == after {
        return Ok(Some(marks));
    }
    Err("its YAML is not laid out in a way that can be edited line by line (flow style, or an alias?)".to_owned())
}

/// The result as text, with the line ends that `before` has.
pub(super) fn joined(marks: &[Mark], before: &str) -> String {
    let lines = marks.iter().filter_map(|mark| match mark {
        Mark::Kept(line) | Mark::Added(line) => Some(line.as_str()),
        Mark::Dropped(_) => None,
    });
    let end =
        if before.split_inclusive('\n').next().is_some_and(|line| line.ends_with("\r\n")) { "\r\n" } else { "\n" };
    let mut text: String = lines.flat_map(|line| [line, end]).collect();
    if !before.ends_with('\n') {
        text.truncate(text.len().saturating_sub(end.len()));
    }
    text
}

/// The keys that lead to the pod of a workload.
fn pod_path(document: &Value) -> Option<&'static [&'static str]> {
    match document.get("kind")?.as_str()? {
        "Pod" => Some(&["spec"]),
        "Deployment" | "StatefulSet" | "DaemonSet" | "ReplicaSet" | "Job" => Some(&["spec", "template", "spec"]),
        "CronJob" => Some(&["spec", "jobTemplate", "spec", "template", "spec"]),
        _ => None,
    }
}

fn marked(lines: Lines<'_>, path: &[&str], parts: Option<&Parts>) -> Result<Vec<Mark>, String> {
    let mut pod = lines.all();
    for key in path {
        let at = lines.key(pod, key).ok_or_else(|| format!("`{}` is not there", path.join(".")))?;
        pod = lines.value(at);
    }
    let containers = lines.key(pod.clone(), "containers").ok_or("the pod has no `containers`")?;
    let mut marks: Vec<Mark> = lines.0.iter().map(|line| Mark::Kept((*line).to_owned())).collect();
    let mut added: Vec<(usize, Vec<String>)> = Vec::new();
    for (key, ours) in
        [("initContainers", parts.map(|parts| &parts.container)), ("volumes", parts.map(|parts| &parts.volumes))]
    {
        let place = lines.key(pod.clone(), key);
        let left = match place {
            Some(at) => drop_ours(lines, at, &mut marks)?,
            None => false,
        };
        let Some(ours) = ours else { continue };
        let depth = indent(lines.get(containers));
        match place.filter(|_| left) {
            Some(at) => {
                let items = lines.items(lines.value(at));
                let depth = items.first().map_or(depth, |item| indent(lines.get(item.start)));
                added.push((at.saturating_add(1), indented(ours, depth)));
            }
            None => {
                let head = [format!("{:depth$}{key}:", "")].into_iter();
                let block = head.chain(indented(ours, depth.saturating_add(2))).collect();
                added.push((lines.with_comments(containers), block));
            }
        }
    }
    // From the end, so that what is before keeps its place.
    added.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
    for (at, block) in added {
        let at = at.min(marks.len());
        marks.splice(at..at, block.into_iter().map(Mark::Added));
    }
    Ok(marks)
}

/// Drops our items of the list at `at`, and the whole key when nothing else is in it. Whether something is left.
fn drop_ours(lines: Lines<'_>, at: usize, marks: &mut [Mark]) -> Result<bool, String> {
    let behind = behind(lines.get(at));
    if !behind.is_empty() && behind != "[]" {
        return Err(format!("`{}` is in flow style: write it as a list of lines", lines.get(at).trim()));
    }
    let items = lines.items(lines.value(at));
    let (ours, others): (Vec<_>, Vec<_>) = items.into_iter().partition(|item| is_ours(lines, item.clone()));
    let mut drop = |range: Range<usize>| {
        for mark in marks.get_mut(range).unwrap_or_default() {
            if let Mark::Kept(line) = mark {
                *mark = Mark::Dropped(std::mem::take(line));
            }
        }
    };
    ours.into_iter().for_each(&mut drop);
    if others.is_empty() {
        drop(at..at.saturating_add(1));
    }
    Ok(!others.is_empty())
}

/// Whether an item of a list carries a name of ours.
fn is_ours(lines: Lines<'_>, item: Range<usize>) -> bool {
    let text: Vec<&str> = item.map(|at| lines.get(at)).collect();
    let read = serde_saphyr::from_str::<Value>(&text.join("\n")).ok();
    read.as_ref().and_then(|read| read.get(0)).is_some_and(has_our_name)
}

fn has_our_name(item: &Value) -> bool {
    item.get("name").and_then(Value::as_str).is_some_and(|name| name == "sekisho" || OURS.contains(&name))
}

fn indented(block: &str, depth: usize) -> Vec<String> {
    block.lines().map(|line| format!("{:depth$}{line}", "")).collect()
}

/// The same change to what was read.
fn change(document: &mut Value, path: &[&str], parts: Option<&Parts>) -> Result<(), String> {
    let pod = path.iter().try_fold(document, |value, key| value.get_mut(*key)).and_then(Value::as_object_mut);
    let pod = pod.ok_or("the pod is not a mapping")?;
    for (key, ours) in
        [("initContainers", parts.map(|parts| &parts.container)), ("volumes", parts.map(|parts| &parts.volumes))]
    {
        let ours = ours.map(|text| serde_saphyr::from_str::<Vec<Value>>(text).map_err(|error| error.to_string()));
        let mut list = ours.transpose()?.unwrap_or_default();
        let old = pod.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let touched = old.iter().any(has_our_name) || !list.is_empty();
        list.extend(old.into_iter().filter(|item| !has_our_name(item)));
        if list.is_empty() && (touched || pod.get(key).is_some_and(|value| *value == json!([]) || value.is_null())) {
            pod.remove(key);
        } else if touched {
            pod.insert(key.to_owned(), Value::Array(list));
        }
    }
    Ok(())
}

/// The volumes of the sidecar.
const OURS: [&str; 3] = ["sekisho-policy", "sekisho-secrets", "sekisho-data"];
