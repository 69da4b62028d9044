//! `#[derive(Choice)]`.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, LitStr};

use crate::shared::{kit, snake};

pub fn expand(input: &DeriveInput) -> syn::Result<TokenStream> {
    let kit = kit(&input.attrs);
    let Data::Enum(data) = &input.data else {
        return Err(syn::Error::new_spanned(&input.ident, "expected an enum"));
    };
    let (mut variants, mut words) = (Vec::new(), Vec::new());
    for variant in &data.variants {
        if !matches!(variant.fields, Fields::Unit) {
            return Err(syn::Error::new_spanned(variant, "a choice has no fields"));
        }
        let mut word = snake(&variant.ident.to_string());
        for attribute in variant.attrs.iter().filter(|a| a.path().is_ident("choice")) {
            word = attribute.parse_args::<LitStr>()?.value();
        }
        variants.push(&variant.ident);
        words.push(word);
    }
    let ident = &input.ident;
    Ok(quote! {
        impl #ident {
            /// The word that tasks use.
            pub const fn word(&self) -> &'static str {
                match self { #(Self::#variants => #words),* }
            }
        }
        impl #kit::Arg for #ident {
            const KIND: #kit::Kind = #kit::Kind::Choice(&[#(#words),*]);
            fn read(value: #kit::proto::Val) -> ::std::result::Result<Self, ::std::string::String> {
                match value.as_str() {
                    #(::std::option::Option::Some(#words) => ::std::result::Result::Ok(Self::#variants),)*
                    _ => ::std::result::Result::Err(::std::format!("unexpected value {value:?}")),
                }
            }
        }
        impl #kit::StateValue for #ident {
            fn val(&self) -> ::std::option::Option<#kit::proto::Val> {
                ::std::option::Option::Some(#kit::proto::Val::from(self.word()))
            }
        }
        impl ::std::fmt::Display for #ident {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.write_str(self.word())
            }
        }
        impl ::std::convert::From<#ident> for #kit::proto::Val {
            fn from(choice: #ident) -> Self {
                #kit::proto::Val::from(choice.word())
            }
        }
    })
}
