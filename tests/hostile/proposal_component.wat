;; verdict: refused at structure MODULE_MALFORMED
;; time: 0.2 s
;; memory: 8 MiB
;; manifest: none
;; needs: wasm_component_model
;; proves: a component, with its own idea of imports, is refused at its first eight bytes.
(component)
