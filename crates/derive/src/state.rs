//! `#[derive(State)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::DeriveInput;

use crate::shared::{entries, kit, named_fields, plain, text};

pub fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let kit = kit(&input.attrs);
    let mut fields = Vec::new();
    for field in named_fields(input)? {
        let Some(ident) = &field.ident else { continue };
        let mut name = plain(ident);
        let mut treat = quote!(Plain);
        let mut skip = false;
        for meta in entries(&field.attrs, "state")? {
            let path = meta.path();
            if path.is_ident("skip") {
                skip = true;
            } else if path.is_ident("quiet") {
                treat = quote!(Quiet);
            } else if path.is_ident("secret") {
                treat = quote!(Secret);
            } else if path.is_ident("derived") {
                treat = quote!(Derived);
            } else if path.is_ident("name") {
                name = text(&meta)?;
            } else {
                let words = "expected skip, quiet, secret, derived or name = \"…\"";
                return Err(syn::Error::new_spanned(meta, words));
            }
        }
        if !skip {
            fields.push(quote! {
                #kit::Field {
                    name: #name,
                    value: #kit::StateValue::val(&self.#ident),
                    treat: #kit::Treat::#treat,
                }
            });
        }
    }
    let ident = &input.ident;
    let (before, types, bounds) = input.generics.split_for_impl();
    Ok(quote! {
        impl #before #kit::State for #ident #types #bounds {
            fn fields(&self) -> ::std::vec::Vec<#kit::Field> {
                ::std::vec![#(#fields),*]
            }
        }
    })
}
