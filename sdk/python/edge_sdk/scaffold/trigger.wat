;; A trigger in WebAssembly text. `edge module build` fills in what stands in double braces from trigger.toml:
;; offsets and lengths of the inputs, and the number of each action.
(module
  (memory (export "memory") 1)

  ;; Where the host writes the inputs: any address will do.
  (func (export "edge_inputs") (result i32)
    (i32.const 1024))

  ;; 1 (the action) while the street feeds in and this household draws less than 2 kW; 0 otherwise.
  (func (export "evaluate") (result i32)
    (if (i32.eqz (call $street_feeds_in)) (then (return (i32.const 0))))
    (if (i32.eqz (f64.lt (call $mean_import_w) (f64.const 2000))) (then (return (i32.const 0))))
    (i32.const {{outcome_use_now}}))

  ;; A comparison with NaN is false: what was not measured never leads to an action.
  (func $street_feeds_in (result i32)
    (f64.lt
      (f64.load (i32.add (i32.const 1024) (i32.const {{neighbourhood_power_net_1_offset}})))
      (f64.const 0)))

  (func $mean_import_w (result f64)
    (local $sample i32)
    (local $sum f64)
    (loop $next
      (local.set $sum
        (f64.add
          (local.get $sum)
          (f64.load
            (i32.add
              (i32.add (i32.const 1024) (i32.const {{power_import_0_offset}}))
              (i32.mul (local.get $sample) (i32.const 8))))))
      (local.set $sample (i32.add (local.get $sample) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $sample) (i32.const {{power_import_0_samples}}))))
    (f64.div (local.get $sum) (f64.const {{power_import_0_samples}}))))
