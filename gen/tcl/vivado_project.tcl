# SPDX-License-Identifier: MIT-0
# Makes a Vivado project of the circuit, and synthesises it out of context if asked to:
#
#   vivado -mode batch -source vivado/project.tcl -tclargs PART [DIR [synth]]
#
# PART: xc7a35tcsg324-1, ...; DIR: where the project goes, default vivado-project.
set root [file dirname [file dirname [file normalize [info script]]]]
source [file join $root files.tcl]

if {[llength $argv] < 1 || [llength $argv] > 3} {
  error "which part? -tclargs PART \[DIR \[synth\]\]"
}
set part [lindex $argv 0]
set dir [expr {[llength $argv] > 1 ? [lindex $argv 1] : "vivado-project"}]

create_project $circuit $dir -part $part -force
foreach file $sources {
  add_files -norecurse -fileset sources_1 [file join $root $file]
}
foreach file $memories {
  add_files -norecurse -fileset sources_1 [file join $root $file]
  set_property file_type {Memory Initialization Files} [get_files [file join $root $file]]
}
add_files -norecurse -fileset constrs_1 [file join $root $circuit.xdc]
set_property top $circuit [get_filesets sources_1]
# Synthesis runs in a folder of its own and finds the images among the sources by their bare names.
if {[llength $memories] > 0} {
  set_property generic {ROM_DIR=.} [get_filesets sources_1]
}
update_compile_order -fileset sources_1

if {[lindex $argv 2] eq "synth"} {
  synth_design -top $circuit -part $part -mode out_of_context
  report_utilization -hierarchical -file [file join $dir utilization.txt]
  report_timing_summary -file [file join $dir timing.txt]
}
