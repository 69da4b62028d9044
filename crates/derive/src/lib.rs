//! `#[derive(Args)]`, `#[derive(Choice)]`, `#[derive(State)]`: what a module file says once in types and doc comments
//! becomes schema, argument reading, differences and result keys. The traits they implement are in shevek-kit; start
//! reading at [`derive_args`].

mod args;
mod choice;
mod shared;
mod state;

use proc_macro::TokenStream;

/// Reads the arguments of a module, or a group of options, into a struct.
///
/// On the struct: `#[module(resource)]` (or `query`, `procedure`; with `name = "…"`, `collection = "…"`,
/// `aliases("…")`, `open`) makes it a module; `#[rule(…)]` says what must hold between options:
/// `exclusive("a", "b")`, `together("a", "b")`, `one_of("a", "b")`, `when(state = "link", needs("src"))`,
/// `when(state = "file", needs_any("a", "b"))`, `with("a", needs("b"))`.
///
/// On a field: `#[arg(default = …, name = "…", aliases("…"), required, secret, flatten, rest)]`.
#[proc_macro_derive(Args, attributes(arg, module, rule, kit))]
pub fn derive_args(input: TokenStream) -> TokenStream {
    shared::expand(input, args::expand)
}

/// Makes an enum without fields the type of an option that is one of some words. A variant's word is its name in lower
/// case with underscores, or what `#[choice("…")]` says.
#[proc_macro_derive(Choice, attributes(choice, kit))]
pub fn derive_choice(input: TokenStream) -> TokenStream {
    shared::expand(input, choice::expand)
}

/// Makes a struct the state of a resource: each field is compared, shown in differences, and returned as a result key,
/// unless `#[state(skip)]`, `#[state(quiet)]` (only compared), `#[state(secret)]` (compared, shown masked) or
/// `#[state(derived)]` (only returned) says otherwise. `#[state(name = "…")]` is the result key.
#[proc_macro_derive(State, attributes(state, kit))]
pub fn derive_state(input: TokenStream) -> TokenStream {
    shared::expand(input, state::expand)
}
