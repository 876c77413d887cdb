//! Puts the mutants of one file into it, each behind a switch. Only insertions are made, so that they
//! nest: `a == b` becomes `(if on(7) { (a != b) } else { (a == b) })`. It knows nothing about who turns
//! the switches, nor about which mutants build.

use std::collections::{BTreeSet, HashMap};
use std::ops::Range;

use proc_macro2::Span;
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
        wanted.entry(mutant.span.start).or_default().push(mutant);
    }
    let mut switches = Switches {
        source,
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
    fn text(&self, span: Span) -> &'a str {
        &self.source[span.byte_range()]
    }

    /// The mutants of these genres that begin where `span` does.
    fn at(&self, span: Span, genre: &str) -> Vec<&'a Mutant> {
        let start = span.start();
        let found = self.wanted.get(&Place {
            line: start.line,
            column: start.column + 1,
        });
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
            let start = first.span().byte_range().start;
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
            self.consts.push(token.span().byte_range());
        }
        true
    }

    fn within(&mut self, in_const: bool, visit: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.in_const, in_const);
        visit(self);
        self.in_const = before;
    }

    fn finish(mut self) -> Switched {
        let mut text = self.source.to_owned();
        for range in self.consts {
            // As long, or places would move.
            text.replace_range(range, "     ");
        }
        self.insertions
            .sort_by_key(|insertion| (insertion.at, insertion.order));
        // From the end, for the same reason.
        for insertion in self.insertions.iter().rev() {
            text.insert_str(insertion.at, &insertion.text);
        }
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
            .unwrap_or_else(|| expression.span().byte_range());
        let here = (!lets(&whole)).then_some(here);
        for mutant in self.at(expression.op.span(), "BinaryOperator") {
            if let Some(here) = &here {
                let (op, source) = (expression.op.span().byte_range(), self.source);
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
            let range = expression.span().byte_range();
            self.instead(&range, mutant, what);
        }
        visit::visit_expr_unary(self, expression);
    }

    fn visit_arm(&mut self, arm: &'a syn::Arm) {
        for mutant in self.at(arm.span(), "MatchArm") {
            let id = mutant.id;
            if let Some((_, guard)) = &arm.guard {
                let range = guard.span().byte_range();
                self.before(&range, id, format!("!crate::mutant_on({id}) && ("));
                self.after(&range, id, ")");
            } else {
                let range = arm.pat.span().byte_range();
                self.after(&range, id, &format!(" if !crate::mutant_on({id})"));
            }
            self.done.insert(id);
        }
        if let Some((_, guard)) = &arm.guard {
            for mutant in self.at(guard.span(), "MatchArmGuard") {
                let range = guard.span().byte_range();
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
    use crate::list::Span;

    fn mutant(genre: &str, column: usize, replacement: &str) -> Mutant {
        Mutant {
            id: 7,
            file: String::new(),
            genre: genre.into(),
            span: Span {
                start: Place { line: 1, column },
            },
            replacement: replacement.into(),
            name: String::new(),
            function: None,
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
        let mutant = mutant("BinaryOperator", 27, "!=");
        let text = switched("fn f(a: u8) -> bool { 1+a == 2 }", &mutant, &[]);
        let expected = "{(ifcrate::mutant_on(7){(1+a!=2)}else{(1+a==2)})}";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn an_operator_is_replaced_in_the_text_whatever_binds_more_tightly() {
        let mutant = mutant("BinaryOperator", 45, "||");
        let source = "fn f(a: bool, b: bool, c: bool) -> bool { a && b && c }";
        let text = switched(source, &mutant, &[]);
        let expected = "{(ifcrate::mutant_on(7){(a||b&&c)}else{(a&&b&&c)})}";
        assert!(text.ends_with(expected), "{text}");
    }

    #[test]
    fn a_body_is_replaced_and_no_longer_const_unless_it_has_to_be() {
        let source = "impl S { const fn f() -> u8 { 1 } }";
        let mutant = mutant("FnValue", 31, "0");
        let text = switched(source, &mutant, &[]);
        let expected = "implS{fnf()->u8{ifcrate::mutant_on(7){return0;}1}}";
        assert_eq!(text, expected);
        let text = switched(source, &mutant, &["S::f"]);
        assert_eq!(text, "implS{constfnf()->u8{1}}");
    }

    #[test]
    fn an_arm_is_passed_over_and_a_guard_replaced() {
        let source = "fn f(a: u8) { match a { 1 => {} b if b > 2 => {} _ => {} } }";
        let arm = mutant("MatchArm", 25, "");
        let text = switched(source, &arm, &[]);
        assert!(text.contains("{1if!crate::mutant_on(7)=>{}bif"), "{text}");
        let guard = mutant("MatchArmGuard", 38, "true");
        let text = switched(source, &guard, &[]);
        let expected = "bif(ifcrate::mutant_on(7){(true)}else{(b>2)})=>{}";
        assert!(text.contains(expected), "{text}");
    }

    #[test]
    fn what_a_let_is_part_of_is_left_alone() {
        let source = "fn f(a: Option<u8>) { if let Some(1) = a && true {} }";
        let mutant = mutant("BinaryOperator", 42, "||");
        assert!(!switched(source, &mutant, &[]).contains("mutant_on"));
    }

    #[test]
    fn several_nest() {
        let mut inner = mutant("UnaryOperator", 25, "");
        inner.id = 8;
        let outer = mutant("BinaryOperator", 28, "||");
        let source = "fn f(a: bool) -> bool { !a && a }";
        let switched = switch(source, &[&outer, &inner], &BTreeSet::new()).unwrap();
        assert_eq!(switched.done, BTreeSet::from([7, 8]));
        assert!(syn::parse_file(&switched.text).is_ok(), "{}", switched.text);
        let both = switched.text.matches("mutant_on").count();
        assert_eq!(both, 2, "{}", switched.text);
    }
}
