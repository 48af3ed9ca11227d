;; verdict: refused at compile MODULE_INVALID
;; time: 0.5 s
;; memory: 8 MiB
;; needs: wasm_threads
;; proves: an atomic instruction is refused, on memory that is not shared too.
(module
  (memory (export "memory") 1)
  (func (export "edge_inputs") (result i32)
    i32.const 0)
  (func (export "evaluate") (result i32)
    (i32.atomic.rmw.add (i32.const 0) (i32.const 1))))
