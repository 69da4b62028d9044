//! What the three derives have in common: attributes, names, and where the kit is.

use proc_macro2::TokenStream;
use quote::quote;
use syn::punctuated::Punctuated;
use syn::{Attribute, Data, DeriveInput, Expr, Fields, Ident, Lit, LitStr, Meta, Token};

/// Parses the input and runs one of the derives; an error becomes a compile error at its place.
pub fn expand(
    input: proc_macro::TokenStream,
    with: fn(&DeriveInput) -> syn::Result<TokenStream>,
) -> proc_macro::TokenStream {
    syn::parse(input).and_then(|input| with(&input)).unwrap_or_else(|e| e.to_compile_error()).into()
}

/// The path of the kit: `crate` within the kit itself (`#[kit(crate)]`).
pub fn kit(attributes: &[Attribute]) -> TokenStream {
    if attributes.iter().any(|a| a.path().is_ident("kit")) { quote!(crate) } else { quote!(::shevek_kit) }
}

/// The entries of all attributes of this name: `#[arg(a, b = 1, c("x"))]`.
pub fn entries(attributes: &[Attribute], name: &str) -> syn::Result<Vec<Meta>> {
    let mut out = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident(name)) {
        out.extend(attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated)?);
    }
    Ok(out)
}

/// The words in `name("a", "b")`.
pub fn words(meta: &Meta) -> syn::Result<Vec<String>> {
    let list = meta.require_list()?;
    let words = list.parse_args_with(Punctuated::<LitStr, Token![,]>::parse_terminated)?;
    Ok(words.iter().map(LitStr::value).collect())
}

/// The text in `name = "text"`.
pub fn text(meta: &Meta) -> syn::Result<String> {
    match &meta.require_name_value()?.value {
        Expr::Lit(lit) => match &lit.lit {
            Lit::Str(s) => Ok(s.value()),
            other => Err(syn::Error::new_spanned(other, "expected text")),
        },
        other => Err(syn::Error::new_spanned(other, "expected text")),
    }
}

/// The doc comment, without the space that starts each line.
pub fn doc(attributes: &[Attribute]) -> String {
    let mut lines = Vec::new();
    for attribute in attributes.iter().filter(|a| a.path().is_ident("doc")) {
        if let Ok(line) = text(&attribute.meta) {
            lines.push(line.strip_prefix(' ').unwrap_or(&line).to_owned());
        }
    }
    lines.join("\n")
}

/// A field's or module's name as tasks write it.
pub fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").unwrap_or(&name).to_owned()
}

/// `AptRepository` as `apt_repository`.
pub fn snake(name: &str) -> String {
    let mut out = String::new();
    for (i, c) in name.chars().enumerate() {
        if c.is_ascii_uppercase() && i > 0 {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}

/// The fields of a struct with named fields.
pub fn named_fields(input: &DeriveInput) -> syn::Result<Vec<&syn::Field>> {
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(fields) => Ok(fields.named.iter().collect()),
            Fields::Unit => Ok(Vec::new()),
            Fields::Unnamed(_) => Err(syn::Error::new_spanned(&input.ident, "expected named fields")),
        },
        _ => Err(syn::Error::new_spanned(&input.ident, "expected a struct")),
    }
}
