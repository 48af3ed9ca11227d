;; verdict: refused at structure MODULE_MALFORMED
;; time: 0.2 s
;; memory: 8 MiB
;; needs: gc_support wasm_gc
;; proves: a heap object is refused: it would be memory that no limit here counts.
(module
  (memory (export "memory") 1)
  (type $box (struct (field i32)))
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (struct.get $box 0 (struct.new $box (i32.const 1)))))
