# SPDX-License-Identifier: Apache-2.0
# Runs a script of a generated folder with stand-ins for the vendors' commands. Each checks what it
# is given: known options and property names, files that are there, ports as the top module has
# them, things that were made before they are used. In the end every source, image and port must
# have been used. Prints a line per call that matters; exit status 1 with the reason otherwise.
#
#   tclsh tests/vendor_stub.tcl FOLDER SCRIPT [ARGUMENTS...]
set folder [file normalize [lindex $argv 0]]
set script [file normalize [file join $folder [lindex $argv 1]]]
set argv [lrange $argv 2 end]

proc read_text {path} {
  set file [open $path]
  set text [read $file]
  close $file
  return $text
}

proc need {truth words} {
  if {!$truth} {
    error $words
  }
}

proc need_one_of {word list what} {
  need [expr {$word in $list}] "unknown $what \"$word\", known: $list"
}

# Options of a command: those with a value, those without. Gives a dictionary; the rest is under "".
proc options {arguments with without} {
  set found [dict create "" {}]
  while {[llength $arguments] > 0} {
    set arguments [lassign $arguments word]
    if {$word in $with} {
      need [llength $arguments] "$word has no value"
      set arguments [lassign $arguments value]
      dict set found $word $value
    } elseif {$word in $without} {
      dict set found $word 1
    } else {
      need [expr {[string index $word 0] ne "-"}] "unknown option $word"
      dict lappend found "" $word
    }
  }
  return $found
}

# ---- the folder

regexp {"top":"([^"]*)"} [read_text $folder/manifest.json] all top
set verilog [read_text $folder/$top.sv]
set wanted {} ;# files that the script must use
foreach name [split [string trim [read_text $folder/$top.f]] \n] {
  lappend wanted [file join $folder $name]
}
set wanted [concat $wanted [glob -nocomplain $folder/rom/*.mem]]
set used {}

# port -> {direction width} of the top module
set ports [dict create]
foreach {all direction range high name} \
  [regexp -all -inline {\m(input|output)\s+logic\s+(\[(\d+):0\])?\s*(\w+)} $verilog] {
  dict set ports $name [list $direction [expr {$high eq "" ? 1 : $high + 1}]]
}

proc use_file {path} {
  need [file exists $path] "$path: no such file"
  lappend ::used [file normalize $path]
}

proc need_parameter {name} {
  need [regexp "parameter $name\\M" $::verilog] "$::top has no parameter $name"
}

proc need_images {path} {
  need [file isdirectory $path] "$path: no such folder"
  need [llength [glob -nocomplain $path/*.mem]] "$path: no images"
}

# Images that the tool finds by their names: they must all be among the sources, and no image elsewhere.
proc need_bare {value} {
  need [expr {$value eq "."}] "ROM_DIR is $value, expected ."
  foreach path [glob -nocomplain $::folder/rom/*.mem] {
    need [expr {[file normalize $path] in $::used}] "$path: not among the sources"
  }
}

# ---- Vivado

set project ""
set known_properties {
  file {file_type}
  fileset {top generic}
  core {name version display_name description core_revision supported_families}
  parameter {value}
}

proc need_project {} {
  need [expr {$::project ne ""}] "no project is open"
}

proc create_project {args} {
  set o [options $args -part -force]
  need [expr {[dict exists $o -part] && [dict get $o -part] ne ""}] "create_project: no part"
  need [expr {[llength [dict get $o ""]] == 2}] "create_project NAME DIR"
  set ::project [lindex [dict get $o ""] 0]
  puts "create_project [dict get $o {}] [dict get $o -part]"
}

proc close_project {} {
  need_project
  set ::project ""
}

proc add_files {args} {
  need_project
  set o [options $args -fileset -norecurse]
  need_one_of [dict get $o -fileset] {sources_1 constrs_1 sim_1} fileset
  foreach path [dict get $o ""] {
    use_file $path
  }
}

proc get_files {path} {
  need [expr {$path in $::used}] "get_files $path: it was not added"
  return [list file $path]
}

proc get_filesets {name} {
  need_one_of $name {sources_1 constrs_1 sim_1} fileset
  return [list fileset $name]
}

proc set_property {name value object} {
  need_project
  lassign $object kind which
  need_one_of $name [dict get $::known_properties $kind] "property of a $kind"
  switch $name {
    top { need [expr {$value eq $::top}] "top is $value, expected $::top" }
    file_type { need_one_of $value {{Memory Initialization Files} SystemVerilog XDC} file_type }
    generic {
      need [regexp {^(\w+)=(.*)$} $value all parameter to] "generic $value: expected NAME=VALUE"
      need_parameter $parameter
      need_bare $to
    }
    value { need_bare $value }
    supported_families { need [expr {$value eq {artix7 Production zynq Production}}] "families: $value" }
  }
  if {$kind ne "file"} { puts "set_property $name $value" }
}

proc update_compile_order {args} { need_project; options $args -fileset {} }

proc synth_design {args} {
  need_project
  set o [options $args {-top -part -mode} {}]
  need [expr {[dict get $o -top] eq $::top}] "synth_design: top is [dict get $o -top]"
  need_one_of [dict get $o -mode] {default out_of_context} mode
  puts "synth_design [dict get $o -part]"
}

proc get_parts {} { return {xc7a35t xc7z020 xc7a100t} }
proc get_property {name objects} {
  need_one_of $name {C_FAMILY} property
  return [lmap part $objects { expr {[string match xc7z* $part] ? "zynq" : "artix7"} }]
}

proc report_utilization {args} { options $args -file -hierarchical }
proc report_timing_summary {args} { options $args -file {} }

namespace eval ipx {
  proc package_project {args} {
    need_project
    set o [options $args {-root_dir -vendor -library -taxonomy} {-import_files -force}]
    foreach option {-root_dir -vendor -library} {
      need [dict exists $o $option] "ipx::package_project: no $option"
    }
    set ::packaged 1
  }
  proc current_core {} {
    need [info exists ::packaged] "no core is open"
    return {core}
  }
  proc need_core {core} { need [expr {$core eq "core"}] "\"$core\" is no core" }
  # Vivado infers a stream from the names of the ports
  proc get_bus_interfaces {name args} {
    need_core [dict get [options $args -of_objects {}] -of_objects]
    foreach signal {tdata tvalid tready} {
      if {![dict exists $::ports ${name}_$signal]} { return {} }
    }
    return [list $name]
  }
  proc associate_bus_interfaces {args} {
    set o [options $args {-busif -clock} {}]
    need [dict exists $::ports [dict get $o -clock]] "no clock [dict get $o -clock]"
    puts "associate [dict get $o -busif] [dict get $o -clock]"
  }
  proc parameter {name rest} {
    need_core [dict get [options $rest -of_objects {}] -of_objects]
    need_parameter $name
    return [list parameter $name]
  }
  proc get_user_parameters {name args} { parameter $name $args }
  proc get_hdl_parameters {name args} { parameter $name $args }
  proc create_xgui_files {core} { need_core $core }
  proc update_checksums {core} { need_core $core }
  proc check_integrity {core} { need_core $core }
  proc save_core {core} { need_core $core; puts save_core }
}

# ---- Quartus

package provide ::quartus::project 1.0
package provide qsys 16.1

proc project_new {args} {
  set ::project [dict get [options $args {} -overwrite] ""]
  need [llength $::project] "project_new: no name"
  puts "project_new $::project"
}

proc project_close {} {
  need [info exists ::has_macro] "Quartus doesn't know SYNTHESIS"
  close_project
}

proc set_global_assignment {args} {
  need_project
  set o [options $args -name {}]
  set value [lindex [dict get $o ""] 0]
  switch [dict get $o -name] {
    SYSTEMVERILOG_FILE - SDC_FILE {
      need [expr {[file pathtype $value] eq "relative"}] "$value: not relative to the project"
      use_file $value
    }
    VERILOG_MACRO {
      need [expr {$value eq "SYNTHESIS=1"}] "macro $value"
      set ::has_macro 1
    }
    TOP_LEVEL_ENTITY { need [expr {$value eq $::top}] "top is $value, expected $::top" }
    FAMILY - DEVICE { puts "[dict get $o -name] $value" }
    default { error "unknown assignment [dict get $o -name]" }
  }
}

proc set_parameter {args} {
  need_project
  set o [options $args -name {}]
  need_parameter [dict get $o -name]
  need_images [lindex [dict get $o ""] 0]
  set ::images_by_parameter 1
}

proc set_instance_assignment {args} {
  need_project
  set o [options $args {-name -to} {}]
  need_one_of [dict get $o -name] {VIRTUAL_PIN} "instance assignment"
  set matching [dict keys $::ports [dict get $o -to]]
  need [llength $matching] "[dict get $o -to]: no such port"
}

# ---- Platform Designer

set interfaces [dict create] ;# name -> type
set connected {}             ;# ports

proc get_module_property {name} {
  need_one_of $name {MODULE_DIRECTORY} "module property"
  return [file dirname $::script]
}

proc set_parameter_value {name value} {
  need_parameter $name
  need_images $value
  puts "value of $name [file tail $value]"
}

proc set_module_property {name value} {
  if {$name eq "VALIDATION_CALLBACK"} { set ::callback $value }
  need_one_of $name {NAME VERSION DISPLAY_NAME DESCRIPTION GROUP AUTHOR INTERNAL EDITABLE
    INSTANTIATE_IN_SYSTEM_MODULE OPAQUE_ADDRESS_MAP VALIDATION_CALLBACK} "module property"
}

proc add_fileset {name kind callback title} {
  need_one_of $kind {QUARTUS_SYNTH SIM_VERILOG SIM_VHDL EXAMPLE_DESIGN} fileset
  puts "fileset $name"
}

proc set_fileset_property {fileset name value} {
  need_one_of $name {TOP_LEVEL ENABLE_RELATIVE_INCLUDE_PATHS} "fileset property"
  if {$name eq "TOP_LEVEL"} { need [expr {$value eq $::top}] "top is $value, expected $::top" }
}

proc add_fileset_file {name type from path} {
  need_one_of $type {SYSTEM_VERILOG VERILOG VHDL SDC OTHER} "file type"
  need [expr {$from eq "PATH"}] "add_fileset_file: expected PATH"
  use_file $path
}

proc add_parameter {name type value} {
  need_one_of $type {STRING INTEGER BOOLEAN POSITIVE NATURAL} "parameter type"
  need_parameter $name
  need_images $value
  set ::images_by_parameter 1
}

proc set_parameter_property {parameter name value} {
  need_one_of $name {DEFAULT_VALUE DISPLAY_NAME DESCRIPTION TYPE UNITS HDL_PARAMETER DERIVED} \
    "parameter property"
}

proc add_interface {name type direction} {
  need_one_of $type {clock reset axi4stream conduit} "interface type"
  need_one_of $direction {start end} direction
  dict set ::interfaces $name $type
  puts "interface $name $type $direction"
}

proc set_interface_property {interface name value} {
  need [dict exists $::interfaces $interface] "no interface $interface"
  need_one_of $name {associatedClock associatedReset synchronousEdges clockRate ENABLED} \
    "interface property"
  if {[string match associated* $name]} {
    need [dict exists $::interfaces $value] "$interface: no interface $value"
  }
}

proc add_interface_port {interface port role direction width} {
  need [dict exists $::interfaces $interface] "no interface $interface"
  need [dict exists $::ports $port] "$::top has no port $port"
  lassign [dict get $::ports $port] way bits
  need [expr {[string tolower $direction] eq $way}] "$port is an $way"
  need [expr {$width == $bits}] "$port has $bits bits, not $width"
  set roles {clock clk reset reset_n axi4stream {tdata tvalid tready tlast} conduit frame_error}
  need_one_of $role [dict get $roles [dict get $::interfaces $interface]] "role of $interface"
  lappend ::connected $port
}

# ---- the run

proc finish {} {
  foreach path $::wanted {
    set by_parameter [info exists ::images_by_parameter]
    if {[file extension $path] eq ".mem" && $by_parameter} continue
    need [expr {$path in $::used}] "$path: not used"
  }
  if {[dict size $::interfaces] == 0} return
  foreach port [dict keys $::ports] {
    need [expr {$port in $::connected}] "port $port: not connected"
  }
}

if {[catch {
  source $script
  if {[info exists callback]} { $callback }
  finish
} reason]} {
  puts stderr "vendor_stub: $reason"
  exit 1
}
puts "[llength [lsort -unique $used]] files"
