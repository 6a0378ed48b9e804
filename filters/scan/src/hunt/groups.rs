//! Which literals share a group of a filter.
//!
//! A group lets a byte pass when some of its literals have its low half at that place and some its high half, so what passes by
//! chance grows with every literal that is unlike the others. Each is therefore dealt to the group whose share of ordinary text it makes
//! grow least; and once more, when all others have their place. With a hundred literals that is several times less than in the
//! order of the alphabet, and it takes a number of steps that grows with the literals alone.

/// For each of three places, the low halves and the high halves of the bytes that may stand there, one bit each.
type Shape = [(u16, u16); 3];

/// Deals `literals` out to `count` groups. With `folded` they stand for both cases of their letters.
pub(super) fn deal(literals: &[Vec<u8>], count: usize, folded: bool) -> Vec<Vec<Vec<u8>>> {
    let text = Text::new();
    let shapes: Vec<Shape> = literals.iter().map(|literal| shape(literal, folded)).collect();
    // What passes most takes its place first.
    let mut order: Vec<usize> = (0..literals.len()).collect();
    order.sort_by_key(|index| std::cmp::Reverse(shapes.get(*index).map(|shape| text.share(shape))));
    let mut groups = vec![Group::default(); count];
    for again in [false, true] {
        for index in order.iter().copied() {
            let Some(shape) = shapes.get(index) else { continue };
            if again {
                groups.iter_mut().for_each(|group| group.take(index, &shapes, &text));
            }
            let grows = |group: &&mut Group| text.share(&union(&group.shape, shape)) - group.share;
            if let Some(group) = groups.iter_mut().min_by_key(grows) {
                group.give(index, shape, &text);
            }
        }
    }
    let literals = |group: &Group| group.members.iter().filter_map(|index| literals.get(*index)).cloned().collect();
    groups.iter().map(literals).collect()
}

#[derive(Debug, Clone, Default)]
struct Group {
    members: Vec<usize>,
    shape: Shape,
    share: u64,
}

impl Group {
    fn give(&mut self, index: usize, shape: &Shape, text: &Text) {
        self.members.push(index);
        self.shape = union(&self.shape, shape);
        self.share = text.share(&self.shape);
    }

    fn take(&mut self, index: usize, shapes: &[Shape], text: &Text) {
        let Some(place) = self.members.iter().position(|member| *member == index) else { return };
        self.members.remove(place);
        let shapes = self.members.iter().filter_map(|member| shapes.get(*member));
        self.shape = shapes.fold(Shape::default(), |all, shape| union(&all, shape));
        self.share = text.share(&self.shape);
    }
}

fn shape(literal: &[u8], folded: bool) -> Shape {
    let halves = |byte: u8| (1_u16 << (byte & 15), 1_u16 << (byte >> 4));
    [0, 1, 2].map(|place| match literal.get(place) {
        None => (u16::MAX, u16::MAX),
        Some(byte) if folded => {
            let (one, other) = (halves(byte.to_ascii_lowercase()), halves(byte.to_ascii_uppercase()));
            (one.0 | other.0, one.1 | other.1)
        }
        Some(byte) => halves(*byte),
    })
}

fn union(one: &Shape, other: &Shape) -> Shape {
    let mut union = *one;
    union.iter_mut().zip(other).for_each(|(to, more)| *to = (to.0 | more.0, to.1 | more.1));
    union
}

/// How often each byte stands in ordinary text, roughly.
struct Text {
    /// For each high half, the sums of what any four of its low halves weigh: the first four, the next four, and so on.
    sums: [[[u32; 16]; 4]; 16],
}

impl Text {
    fn new() -> Self {
        let mut sums = [[[0; 16]; 4]; 16];
        for (high, sums) in (0_u8..).zip(&mut sums) {
            for (fourth, sums) in (0_u8..).zip(sums) {
                for (set, sum) in (0_u8..).zip(sums) {
                    let lows = (0..4).filter(|bit| set >> bit & 1 == 1).map(|bit| fourth * 4 + bit);
                    *sum = lows.map(|low| weight(high << 4 | low)).sum();
                }
            }
        }
        Self { sums }
    }

    /// How much of a text passes, as a product of weights.
    fn share(&self, shape: &Shape) -> u64 {
        shape.iter().map(|(low, high)| self.weighs(*low, *high)).product()
    }

    fn weighs(&self, low: u16, high: u16) -> u64 {
        let rows = self.sums.iter().enumerate().filter(|(row, _)| high >> row & 1 == 1);
        let fourth = |(fourth, sums): (usize, &[u32; 16])| sums.get(usize::from(low >> (4 * fourth) & 15)).copied();
        let row = |(_, row): (usize, &[[u32; 16]; 4])| row.iter().enumerate().filter_map(fourth).sum::<u32>();
        u64::from(rows.map(row).sum::<u32>())
    }
}

fn weight(byte: u8) -> u32 {
    match byte {
        b'a' | b'c'..=b'e' | b'h' | b'i' | b'l'..=b'o' | b'r'..=b'u' | b'0'..=b'9' => 8,
        b' ' | b'"' | b':' | b',' | b'.' | b'=' | b'-' | b'/' | b'_' => 6,
        b'a'..=b'z' => 4,
        b'A'..=b'Z' | b'!'..=b'~' => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_literal_has_one_group() {
        let literals: Vec<Vec<u8>> = (0..300_u32).map(|number| format!("{number:03x}_").into_bytes()).collect();
        let mut dealt: Vec<Vec<u8>> = deal(&literals, 8, false).into_iter().flatten().collect();
        dealt.sort();
        let mut literals = literals;
        literals.sort();
        assert_eq!(dealt, literals);
    }

    #[test]
    fn what_is_alike_stays_together() {
        let literals = ["key", "://", "kez", "&#4", "kex", "::/"].map(|literal| literal.as_bytes().to_vec());
        let mut groups = deal(&literals, 2, false);
        groups.iter_mut().for_each(|group| group.sort());
        groups.sort();
        let text: Vec<String> = groups.iter().map(|group| String::from_utf8(group.concat()).unwrap()).collect();
        assert_eq!(text, ["&#4://::/", "kexkeykez"]);
    }

    #[test]
    fn weights_are_those_of_each_byte() {
        let text = Text::new();
        for byte in 0..=u8::MAX {
            assert_eq!(text.weighs(1 << (byte & 15), 1 << (byte >> 4)), u64::from(weight(byte)));
        }
        let all: u32 = (0..=u8::MAX).map(weight).sum();
        assert_eq!(text.weighs(u16::MAX, u16::MAX), u64::from(all));
    }
}
