//! What the palette finds: the lines that hold every word typed, in name or detail.

use super::{AT_MOST, lines::Line};
use crate::app::screens::filter::holds;

/// A search under way. Lines of which there may be thousands are made only where they are found.
pub(super) struct Search<'t> {
    typed: &'t str,
    wanted: Vec<&'t str>,
    found: Vec<(Rank, Line)>,
    /// How many of a group and a rank there are: more than are shown are not made.
    counts: Vec<(&'static str, Rank, usize)>,
}

/// How near a line's name is to what was typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Rank {
    Called,
    Begins,
    Holds,
}

impl<'t> Search<'t> {
    pub(super) fn new(typed: &'t str) -> Self {
        let typed = typed.trim();
        Self {
            typed,
            wanted: typed.split_whitespace().collect(),
            found: Vec::new(),
            counts: Vec::new(),
        }
    }

    /// Takes a line in, if it is found.
    pub(super) fn offer(&mut self, line: Line) {
        // With nothing typed, what there are few of: a thousand connections would bury the commands.
        if self.wanted.is_empty() && !line.target.is_one_of_few() {
            return;
        }
        if self.finds(&line.name, &[&line.detail]) {
            let (group, name) = (line.group, line.name.clone());
            self.put(group, &name, || line);
        }
    }

    /// Whether nothing is typed, so that none of many is found.
    pub(super) fn is_wide(&self) -> bool {
        self.wanted.is_empty()
    }

    /// Whether a part of an address is typed: to write thousands of them takes its time.
    pub(super) fn wants_address(&self) -> bool {
        let is_part = |word: &&str| {
            word.bytes()
                .all(|it| it.is_ascii_digit() || b".:".contains(&it))
        };
        self.wanted.iter().any(is_part)
    }

    /// Whether a word that was typed is a part of this, such as of what can be done.
    pub(super) fn names(&self, words: &str) -> bool {
        self.wanted.iter().any(|word| holds(words, word))
    }

    /// Whether one of many goes by what was typed.
    pub(super) fn finds(&self, name: &str, details: &[&str]) -> bool {
        let has = |word: &&str| holds(name, word) || details.iter().any(|it| holds(it, word));
        self.wanted.iter().all(has)
    }

    /// Takes in one of many, if it goes by what was typed.
    pub(super) fn offer_many(
        &mut self,
        group: &'static str,
        name: &str,
        details: &[&str],
        line: impl FnOnce() -> Line,
    ) {
        if self.finds(name, details) {
            self.put(group, name, line);
        }
    }

    /// Takes in what was found, unless more than are shown are as near. What is called nothing, such
    /// as an act, is never as near as what is called so.
    pub(super) fn put(&mut self, group: &'static str, name: &str, line: impl FnOnce() -> Line) {
        let rank = self.of_name(name);
        let same =
            |(of, as_near, _): &&mut (&'static str, Rank, usize)| (*of, *as_near) == (group, rank);
        match self.counts.iter_mut().find(same) {
            Some((.., count)) if *count >= AT_MOST => return,
            Some((.., count)) => *count += 1,
            None => self.counts.push((group, rank, 1)),
        }
        self.found.push((rank, line()));
    }

    fn of_name(&self, name: &str) -> Rank {
        match name.get(..self.typed.len()) {
            Some(begin) if begin.eq_ignore_ascii_case(self.typed) => {
                match name.len() == begin.len() {
                    true => Rank::Called,
                    false => Rank::Begins,
                }
            }
            _ if name.to_lowercase() == self.typed.to_lowercase() => Rank::Called,
            _ => Rank::Holds,
        }
    }

    /// Those found: first the group that has what is called so, then the others in their order.
    pub(super) fn lines(self) -> Vec<Line> {
        let mut found = self.found;
        let mut groups: Vec<(&str, Rank)> = Vec::new();
        for (rank, line) in &found {
            match groups.iter_mut().find(|(group, _)| *group == line.group) {
                Some((_, best)) => *best = (*best).min(*rank),
                None => groups.push((line.group, *rank)),
            }
        }
        // Stable: groups that are as good stay in their order.
        groups.sort_by_key(|(_, best)| *best);
        let place = |group: &str| groups.iter().position(|(it, _)| *it == group);
        found.sort_by_key(|(rank, line)| (place(line.group), *rank));
        let lines = found.into_iter().map(|(_, line)| line);
        lines.take(AT_MOST).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::{super::lines::Target, *};
    use crate::app::{context::Screen, kit::icons};

    fn line(name: &str, detail: &str) -> Line {
        named("Endpoints", name, detail)
    }

    fn named(group: &'static str, name: &str, detail: &str) -> Line {
        Line::new(group, icons::PLUS, name, Target::Go(Screen::Endpoints)).detail(detail)
    }

    fn found(lines: &[Line], typed: &str) -> Vec<String> {
        let mut search = Search::new(typed);
        for line in lines {
            search.offer(line.clone());
        }
        search.lines().into_iter().map(|it| it.name).collect()
    }

    #[test]
    fn a_line_is_found_by_every_word_in_any_order() {
        let lines = [
            line("corp-staff", "10.20.0.0/20"),
            line("lab", "10.32.0.0/22"),
        ];
        assert_eq!(found(&lines, "10.20 STAFF"), ["corp-staff"]);
        assert_eq!(found(&lines, "10.").len(), 2);
        assert!(found(&lines, "nowhere").is_empty());
    }

    #[test]
    fn what_is_called_so_goes_before_what_only_names_it() {
        let lines = [
            named("Do", "Modify corp-staff", ""),
            named("Do", "Terminate a.lindqvist", ""),
            named("Endpoints", "corp-staff: Connections", ""),
            named("Endpoints", "corp-staff", ""),
        ];
        assert_eq!(
            found(&lines, "Corp-Staff"),
            ["corp-staff", "corp-staff: Connections", "Modify corp-staff"]
        );
    }

    #[test]
    fn what_can_be_done_to_somebody_comes_after_who_is_called_so() {
        let mut search = Search::new("ana");
        search.offer(named("Do", "Manage tags of corp-staff", ""));
        search.put("Do", "", || named("Do", "Terminate ana", ""));
        search.offer_many("Users", "ana", &[], || named("Users", "User ana", ""));
        let names: Vec<_> = search.lines().into_iter().map(|it| it.name).collect();
        assert_eq!(
            names,
            ["User ana", "Manage tags of corp-staff", "Terminate ana"]
        );
    }

    #[test]
    fn one_called_so_is_found_among_thousands_that_are_made_only_as_far_as_they_are_shown() {
        let mut search = Search::new("user-1");
        let mut made = 0;
        for number in (0..20_000).rev() {
            let name = format!("user-{number}");
            search.offer_many("Connections", &name, &["10.0.0.1"], || {
                made += 1;
                named("Connections", &name, "10.0.0.1")
            });
        }
        let lines = search.lines();
        assert_eq!(lines.len(), AT_MOST);
        assert_eq!(lines[0].name, "user-1");
        assert_eq!(made, AT_MOST + 1);
    }
}
