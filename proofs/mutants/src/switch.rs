//! Puts the mutants of one file into it, each behind a switch. Only insertions are made, so that they
//! nest: `a == b` becomes `(if on(7) { (a != b) } else { (a == b) })`. It knows nothing about who turns
//! the switches, nor about which mutants build.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use proc_macro2::{LineColumn, Span};
use syn::spanned::Spanned;
use syn::visit::{self, Visit};

use crate::list::{Mutant, Place};

/// One place where something is put in.
struct Insertion {
    at: usize,
    /// Of those at one place, closing ones come first; then what belongs outside.
    order: (u8, isize, isize),
    text: String,
}

struct Switches<'a> {
    source: &'a str,
    lines: Vec<usize>,
    wanted: HashMap<Place, Vec<&'a Mutant>>,
    insertions: Vec<Insertion>,
    /// `const` of a function, which a switch inside makes impossible.
    consts: Vec<Range<usize>>,
    done: BTreeSet<usize>,
    /// Functions that constants are made with, as `Type::name`.
    stays_const: &'a BTreeSet<String>,
    of_type: String,
    in_const: bool,
    /// The longest expression of operators around the one that is visited next.
    outer: Option<Range<usize>>,
}

/// What became of the file.
pub(crate) struct Switched {
    pub(crate) text: String,
    pub(crate) done: BTreeSet<usize>,
}

/// Puts `mutants` into `source`, except where it has to remain `const`.
pub(crate) fn switch(
    source: &str,
    mutants: &[&Mutant],
    stays_const: &BTreeSet<String>,
) -> syn::Result<Switched> {
    let file = syn::parse_file(source)?;
    let mut wanted: HashMap<Place, Vec<&Mutant>> = HashMap::new();
    for mutant in mutants {
        wanted.entry(mutant.start).or_default().push(mutant);
    }
    let starts = source.match_indices('\n').map(|(at, _)| at + 1);
    let mut switches = Switches {
        source,
        lines: std::iter::once(0).chain(starts).collect(),
        wanted,
        insertions: Vec::new(),
        consts: Vec::new(),
        done: BTreeSet::new(),
        stays_const,
        of_type: String::new(),
        in_const: false,
        outer: None,
    };
    switches.visit_file(&file);
    Ok(switches.finish())
}

impl<'a> Switches<'a> {
    fn offset(&self, place: LineColumn) -> usize {
        let line = self.lines[place.line - 1];
        let within = self.source[line..].char_indices().nth(place.column);
        within.map_or(self.source.len(), |(at, _)| line + at)
    }

    fn range(&self, span: Span) -> Range<usize> {
        self.offset(span.start())..self.offset(span.end())
    }

    fn text(&self, span: Span) -> &'a str {
        &self.source[self.range(span)]
    }

    /// The mutants of these genres that begin where `span` does.
    fn at(&self, span: Span, genre: &str) -> Vec<&'a Mutant> {
        let start = span.start();
        let found = self.wanted.get(&(start.line, start.column + 1));
        let found = found.into_iter().flatten().copied();
        found.filter(|mutant| mutant.genre == genre).collect()
    }

    fn before(&mut self, range: &Range<usize>, id: usize, text: String) {
        let order = (1, -(range.end as isize), id as isize);
        self.insertions.push(Insertion {
            at: range.start,
            order,
            text,
        });
    }

    fn after(&mut self, range: &Range<usize>, id: usize, text: &str) {
        let order = (0, -(range.start as isize), -(id as isize));
        self.insertions.push(Insertion {
            at: range.end,
            order,
            text: text.to_owned(),
        });
    }

    /// `what` instead of the expression at `range` while the switch is on.
    fn instead(&mut self, range: &Range<usize>, mutant: &Mutant, what: &str) {
        if self.in_const {
            return;
        }
        let id = mutant.id;
        self.before(
            range,
            id,
            format!("(if crate::mutant_on({id}) {{ /*<{id}*/({what})/*{id}>*/ }} else {{ ("),
        );
        self.after(range, id, ") })");
        self.done.insert(id);
    }

    /// Puts in what is answered instead of what the body says; whether there may be switches in it.
    fn body(&mut self, signature: &syn::Signature, block: &syn::Block) -> bool {
        if self
            .stays_const
            .contains(&format!("{}::{}", self.of_type, signature.ident))
        {
            return false;
        }
        if let Some(first) = block.stmts.first() {
            let start = self.range(first.span()).start;
            for mutant in self.at(first.span(), "FnValue") {
                let (id, what) = (mutant.id, &mutant.replacement);
                let order = (1, isize::MIN, id as isize);
                let text =
                    format!("if crate::mutant_on({id}) {{ return /*<{id}*/{what}/*{id}>*/; }} ");
                self.insertions.push(Insertion {
                    at: start,
                    order,
                    text,
                });
                self.done.insert(id);
            }
        }
        if let Some(token) = &signature.constness {
            let range = self.range(token.span());
            self.consts.push(range);
        }
        true
    }

    fn within(&mut self, in_const: bool, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.in_const, in_const);
        visit(self);
        self.in_const = before;
    }

    fn finish(mut self) -> Switched {
        self.insertions
            .sort_by_key(|insertion| (insertion.at, insertion.order));
        let mut text = String::new();
        let mut from = 0;
        let mut copy = |text: &mut String, to: usize| {
            let mut gone: Vec<_> = self
                .consts
                .iter()
                .filter(|c| (from..to).contains(&c.start))
                .collect();
            gone.sort_by_key(|range| range.start);
            for range in gone {
                text.push_str(&self.source[from..range.start]);
                from = range.end;
            }
            text.push_str(&self.source[from..to]);
            from = to;
        };
        for insertion in &self.insertions {
            copy(&mut text, insertion.at);
            text.push_str(&insertion.text);
        }
        copy(&mut text, self.source.len());
        Switched {
            text,
            done: self.done,
        }
    }
}

/// Whether a `let` is among what `&&` joins there.
fn lets(expression: &syn::Expr) -> bool {
    match expression {
        syn::Expr::Let(_) => true,
        syn::Expr::Binary(binary) => lets(&binary.left) || lets(&binary.right),
        _ => false,
    }
}

impl<'a> Visit<'a> for Switches<'_> {
    fn visit_item_impl(&mut self, item: &'a syn::ItemImpl) {
        if let syn::Type::Path(path) = &*item.self_ty
            && let Some(last) = path.path.segments.last()
        {
            self.of_type = last.ident.to_string();
        }
        visit::visit_item_impl(self, item);
        self.of_type.clear();
    }

    fn visit_item_fn(&mut self, item: &'a syn::ItemFn) {
        let free = self.body(&item.sig, &item.block);
        self.within(!free, |this| visit::visit_item_fn(this, item));
    }

    fn visit_impl_item_fn(&mut self, item: &'a syn::ImplItemFn) {
        let free = self.body(&item.sig, &item.block);
        self.within(!free, |this| visit::visit_impl_item_fn(this, item));
    }

    fn visit_trait_item_fn(&mut self, item: &'a syn::TraitItemFn) {
        if let Some(block) = &item.default {
            self.body(&item.sig, block);
        }
        visit::visit_trait_item_fn(self, item);
    }

    fn visit_item_const(&mut self, item: &'a syn::ItemConst) {
        self.within(true, |this| visit::visit_item_const(this, item));
    }

    fn visit_impl_item_const(&mut self, item: &'a syn::ImplItemConst) {
        self.within(true, |this| visit::visit_impl_item_const(this, item));
    }

    fn visit_item_static(&mut self, item: &'a syn::ItemStatic) {
        self.within(true, |this| visit::visit_item_static(this, item));
    }

    /// The operator is replaced in the text, as cargo-mutants does it: `a && b && c` becomes
    /// `a || b && c`. So it is the longest expression around it that there has to be twice.
    fn visit_expr_binary(&mut self, expression: &'a syn::ExprBinary) {
        let outer = self.outer.take();
        let whole = syn::Expr::Binary(expression.clone());
        let here = outer
            .clone()
            .unwrap_or_else(|| self.range(expression.span()));
        let here = (!lets(&whole)).then_some(here);
        for mutant in self.at(expression.op.span(), "BinaryOperator") {
            if let Some(here) = &here {
                let (op, source) = (self.range(expression.op.span()), self.source);
                let (before, after) = (&source[here.start..op.start], &source[op.end..here.end]);
                let what = format!("{before}{}{after}", mutant.replacement);
                self.instead(here, mutant, &what);
            }
        }
        for side in [&expression.left, &expression.right] {
            self.outer = here
                .clone()
                .filter(|_| matches!(**side, syn::Expr::Binary(_)));
            self.visit_expr(side);
        }
        self.outer = outer;
    }

    fn visit_expr_unary(&mut self, expression: &'a syn::ExprUnary) {
        for mutant in self.at(expression.op.span(), "UnaryOperator") {
            let what = self.text(expression.expr.span());
            let range = self.range(expression.span());
            self.instead(&range, mutant, what);
        }
        visit::visit_expr_unary(self, expression);
    }

    fn visit_arm(&mut self, arm: &'a syn::Arm) {
        for mutant in self.at(arm.span(), "MatchArm") {
            let id = mutant.id;
            if let Some((_, guard)) = &arm.guard {
                let range = self.range(guard.span());
                self.before(&range, id, format!("!crate::mutant_on({id}) && ("));
                self.after(&range, id, ")");
            } else {
                let range = self.range(arm.pat.span());
                self.after(&range, id, &format!(" if !crate::mutant_on({id})"));
            }
            self.done.insert(id);
        }
        if let Some((_, guard)) = &arm.guard {
            for mutant in self.at(guard.span(), "MatchArmGuard") {
                let range = self.range(guard.span());
                self.instead(&range, mutant, &mutant.replacement);
            }
        }
        visit::visit_arm(self, arm);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

    use super::*;

    fn mutant(genre: &str, start: Place, replacement: &str) -> Mutant {
        Mutant {
            id: 7,
            file: String::new(),
            genre: genre.into(),
            start,
            replacement: replacement.into(),
            name: String::new(),
            answers: String::new(),
        }
    }

    /// The source with this one mutant in it, without spaces and marks.
    fn switched(source: &str, mutant: &Mutant, stays_const: &[&str]) -> String {
        let stays_const = stays_const.iter().map(|&name| name.to_owned()).collect();
        let switched = switch(source, &[mutant], &stays_const).unwrap();
        assert!(syn::parse_file(&switched.text).is_ok(), "{}", switched.text);
        let text = switched.text.replace("/*<7*/", "").replace("/*7>*/", "");
        text.split_whitespace().collect()
    }

    #[test]
    fn an_operator_is_replaced_while_its_switch_is_on() {
        let mutant = mutant("BinaryOperator", (1, 27), "!=");
        let text = switched("fn f(a: u8) -> bool { 1+a == 2 }", &mutant, &[]);
        let expected = "{(ifcrate::mutant_on(7){(1+a!=2)}else{(1+a==2)})}";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn an_operator_is_replaced_in_the_text_whatever_binds_more_tightly() {
        let mutant = mutant("BinaryOperator", (1, 45), "||");
        let source = "fn f(a: bool, b: bool, c: bool) -> bool { a && b && c }";
        let text = switched(source, &mutant, &[]);
        let expected = "{(ifcrate::mutant_on(7){(a||b&&c)}else{(a&&b&&c)})}";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn a_body_is_replaced_and_no_longer_const_unless_it_has_to_be() {
        let source = "impl S { const fn f() -> u8 { 1 } }";
        let mutant = mutant("FnValue", (1, 31), "0");
        let text = switched(source, &mutant, &[]);
        let expected = "implS{fnf()->u8{ifcrate::mutant_on(7){return0;}1}}";
        assert_eq!(text, expected);
        let text = switched(source, &mutant, &["S::f"]);
        assert_eq!(text, "implS{constfnf()->u8{1}}");
    }

    #[test]
    fn an_arm_is_passed_over_and_a_guard_replaced() {
        let source = "fn f(a: u8) { match a { 1 => {} b if b > 2 => {} _ => {} } }";
        let arm = mutant("MatchArm", (1, 25), "");
        let text = switched(source, &arm, &[]);
        assert!(text.contains("{1if!crate::mutant_on(7)=>{}bif"), "{text}");
        let guard = mutant("MatchArmGuard", (1, 38), "true");
        let text = switched(source, &guard, &[]);
        let expected = "bif(ifcrate::mutant_on(7){(true)}else{(b>2)})=>{}";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn what_a_let_is_part_of_is_left_alone() {
        let source = "fn f(a: Option<u8>) { if let Some(1) = a && true {} }";
        let mutant = mutant("BinaryOperator", (1, 42), "||");
        assert!(!switched(source, &mutant, &[]).contains("mutant_on"));
    }

    #[test]
    fn several_nest() {
        let mut inner = mutant("UnaryOperator", (1, 25), "");
        inner.id = 8;
        let outer = mutant("BinaryOperator", (1, 28), "||");
        let source = "fn f(a: bool) -> bool { !a && a }";
        let switched = switch(source, &[&outer, &inner], &BTreeSet::new()).unwrap();
        assert_eq!(switched.done, BTreeSet::from([7, 8]));
        assert!(syn::parse_file(&switched.text).is_ok(), "{}", switched.text);
        let both = switched.text.matches("mutant_on").count();
        assert_eq!(both, 2, "{}", switched.text);
    }
}
