;; verdict: refused at imports IMPORT_FORBIDDEN
;; time: 0.2 s
;; memory: 8 MiB
;; proves: an import is refused, and its name is shown as what it is, not as it would look.
(module
  (import "\e2\80\aeisaw" "\e2\80\8bfd_write" (func))
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    i32.const 0))
