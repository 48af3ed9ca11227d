;; verdict: refused at structure MODULE_MALFORMED
;; needs: wasm_component_model
;; proves: a component, with its own idea of imports, is refused at its first eight bytes.
(component)
